package text

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Progress draws how far a work has come, in one line of a terminal. It is only a picture:
// that it cannot be drawn stops nothing, and a nil one draws nothing.
type Progress struct{ bar *progressbar.ProgressBar }

// ProgressStyle is what of a work is drawn.
type ProgressStyle struct {
	Width    int           // of the bar, in columns
	What     string        // is counted, until another text is set
	Count    bool          // show the number that is reached
	Estimate bool          // show the time that it took, and will take
	Pause    time.Duration // between two pictures, at least
}

// NewProgress begins to draw on w, if that is a terminal. The work is done at largest.
func NewProgress(w io.Writer, largest int64, style ProgressStyle) *Progress {
	if !IsTerminal(w) {
		return nil
	}
	options := []progressbar.Option{progressbar.OptionSetWriter(w), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetDescription(style.What), progressbar.OptionSetWidth(style.Width),
		progressbar.OptionThrottle(style.Pause), progressbar.OptionSetPredictTime(style.Estimate),
		progressbar.OptionSetElapsedTime(style.Estimate)}
	if style.Count {
		options = append(options, progressbar.OptionShowCount())
	}
	return &Progress{progressbar.NewOptions64(largest, options...)}
}

// End sets where the work is done.
func (p *Progress) End(largest int64) {
	if p != nil {
		p.bar.ChangeMax64(largest)
	}
}

// Say sets the text before the bar.
func (p *Progress) Say(what string) {
	if p != nil {
		p.bar.Describe(what)
	}
}

// At draws that n is reached.
func (p *Progress) At(n int64) {
	if p != nil {
		_ = p.bar.Set64(n)
	}
}

// Clear takes the line away.
func (p *Progress) Clear() {
	if p != nil {
		_ = p.bar.Clear()
	}
}
