package udm

var (
	alertV2Rows   = alertRows
	alertV2Notes  = alertNotes
	alertV2Claims = alertClaims
)
