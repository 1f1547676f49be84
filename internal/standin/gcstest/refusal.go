package gcstest

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Refusals that come from outside the bucket's own rules, as they have been recorded. Each is a
// Fault for one request.

// Retained is the refusal to delete, overwrite or move an object that a retention policy keeps.
func Retained(object string) Fault {
	return said(http.StatusForbidden, "retentionPolicyNotMet", "Object '"+object+"' is subject to bucket's retention "+
		"policy or object retention and cannot be deleted or overwritten until 2036-09-30T15:58:01.185839-07:00", "")
}

// Held is the refusal to delete, overwrite or move an object under a hold: Temporary, or
// Event-Based. Its reason is that of a missing permission.
func Held(object, hold string) Fault {
	return said(http.StatusForbidden, "forbidden", "Object '"+object+"' is under active "+hold+" hold and cannot be "+
		"deleted, overwritten or archived until hold is removed.", "")
}

// Constrained is the refusal of what an organisation policy forbids: a 412, with the reason of
// a precondition.
func Constrained(constraint string) Fault {
	return said(http.StatusPreconditionFailed, "conditionNotMet", "Request violates constraint '"+constraint+"'", "")
}

// ConstrainedAs is [Constrained] with another status.
func ConstrainedAs(status int, constraint string) Fault {
	return said(status, reasons[status], "Constraint "+constraint+" violated for the bucket's project.", "")
}

// OutsidePerimeter is the refusal of VPC Service Controls.
func OutsidePerimeter() Fault {
	const id = "eYhDkfYCu-dOCjuj8X4Am9-example"
	return said(http.StatusForbidden, "vpcServiceControls", "Request is prohibited by organization's policy. "+
		"vpcServiceControlsUniqueIdentifier: "+id, `[{"@type":"type.googleapis.com/google.rpc.PreconditionFailure",`+
		`"violations":[{"type":"VPC_SERVICE_CONTROLS","description":"`+id+`"}]}]`)
}

// KeyDisabled is the refusal of a bucket whose encryption key is disabled or destroyed.
func KeyDisabled() Fault {
	return said(http.StatusBadRequest, "invalid", "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed.",
		`[{"@type":"type.googleapis.com/google.rpc.PreconditionFailure","violations":[{"type":"KEY_DISABLED"}]}]`)
}

// KeyDenied is the refusal of a bucket whose key its service agent may not use.
func KeyDenied() Fault {
	return said(http.StatusForbidden, "forbidden", "Permission denied on Cloud KMS key. Please ensure that your "+
		"Cloud Storage service account has been authorized to use this key.", "")
}

// BillingDisabled is the refusal of a project that nobody pays for.
func BillingDisabled() Fault {
	return said(http.StatusForbidden, "accountDisabled",
		"The billing account for the owning project is disabled in state absent", "")
}

// Elsewhere is a page of something that is not Cloud Storage: a proxy, or a login. Status 200 is a
// page, too.
func Elsewhere(status int, title string) Fault {
	return Fault{Status: status, Body: "<html><head><title>" + title + "</title></head><body>secret inside</body></html>"}
}

// UnknownRoute is what an endpoint answers that does not know the operation.
func UnknownRoute(status int) Fault {
	return said(status, reasons[status], http.StatusText(status), "")
}

func said(status int, reason, message, details string) Fault {
	text, err := json.Marshal(message)
	if err != nil {
		panic("gcstest: " + err.Error())
	}
	if details != "" {
		details = `,"details":` + details
	}
	const form = `{"error":{"code":%d,"message":%s,"errors":[{"message":%[2]s,"domain":"global","reason":%[3]q}]%s}}`
	return Fault{Status: status, Body: fmt.Sprintf(form, status, text, reason, details)}
}
