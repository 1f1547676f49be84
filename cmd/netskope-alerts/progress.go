package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress draws how far a work has come, in one line of a terminal. It is only a picture:
// that it cannot be drawn stops nothing, and a nil one draws nothing.
type progress struct{ bar *progressbar.ProgressBar }

// progressStyle is what of a work is drawn.
type progressStyle struct {
	width    int           // of the bar, in columns
	what     string        // is counted, until another text is set
	count    bool          // show the number that is reached
	estimate bool          // show the time that it took, and will take
	pause    time.Duration // between two pictures, at least
}

// newProgress begins to draw on w, if that is a terminal. The work is done at largest.
func newProgress(w io.Writer, largest int64, style progressStyle) *progress {
	if !isTerminal(w) {
		return nil
	}
	options := []progressbar.Option{progressbar.OptionSetWriter(w), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetDescription(style.what), progressbar.OptionSetWidth(style.width),
		progressbar.OptionThrottle(style.pause), progressbar.OptionSetPredictTime(style.estimate),
		progressbar.OptionSetElapsedTime(style.estimate)}
	if style.count {
		options = append(options, progressbar.OptionShowCount())
	}
	return &progress{progressbar.NewOptions64(largest, options...)}
}

// end sets where the work is done.
func (p *progress) end(largest int64) {
	if p != nil {
		p.bar.ChangeMax64(largest)
	}
}

// say sets the text before the bar.
func (p *progress) say(what string) {
	if p != nil {
		p.bar.Describe(what)
	}
}

// at draws that n is reached.
func (p *progress) at(n int64) {
	if p != nil {
		_ = p.bar.Set64(n)
	}
}

// clear takes the line away.
func (p *progress) clear() {
	if p != nil {
		_ = p.bar.Clear()
	}
}
