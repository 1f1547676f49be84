package deploy

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest/gcloudstub"
)

// terminal opens a pseudo-terminal: what is written to the first file is typed, and what
// is printed can be read from it; the second is the program's.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("NOT TESTED: no pseudo-terminal here: " + err.Error())
	}
	t.Cleanup(func() { _ = person.Close() })
	var number, unlock int32
	for request, argument := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(unsafe.Pointer(argument)))
		if errno != 0 {
			t.Fatal(errno)
		}
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// The whole transcript of a dry run is pasted into a shell at once. What asks for the token
// waits for the person, and takes nothing of what was pasted behind it.
func TestPastedDryRunAsksThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.succeed("--dry-run", "--project-id", "my-project", "--gcs-bucket", "my-alerts",
		"--netskope-tenant=https://acme.goskope.com", "--no-monitor")
	person, program := terminal(t)
	shell := exec.Command(filepath.Join(toolbox, "bash"), "--norc", "-i")
	shell.Dir = w.source()
	shell.Env = []string{
		"PATH=" + w.bin + ":" + toolbox, "HOME=" + w.dir, "TMPDIR=" + w.dir, "TERM=dumb", "PS1=",
		gcloudstub.Variable + "=" + w.address, "GORACE=atexit_sleep_ms=0",
	}
	shell.Stdin, shell.Stdout, shell.Stderr = program, program, program
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	w.must(shell.Start())
	t.Cleanup(func() { _ = shell.Process.Kill(); _ = shell.Wait() })

	printed := make(chan []byte, 1000)
	go func() {
		defer close(printed)
		for {
			part := make([]byte, 4096)
			n, err := person.Read(part)
			if err != nil {
				return
			}
			printed <- part[:n]
		}
	}()
	go func() { // a terminal takes no more at once than it is read
		for line := range strings.Lines(r.out) {
			_, _ = person.WriteString(line)
		}
	}()
	var all bytes.Buffer
	for asked, end := false, time.After(time.Minute); !bytes.Contains(all.Bytes(), []byte("all is done")); {
		select {
		case part, ok := <-printed:
			if !ok {
				t.Fatalf("the shell ended:\n%s", all.Bytes())
			}
			all.Write(part)
		case <-end:
			t.Fatalf("the shell did not come to its end:\n%s", all.Bytes())
		}
		// The prompt itself, not the command that is echoed.
		if !asked && bytes.Contains(all.Bytes(), []byte("\nNetskope REST API v2 token (not shown): ")) {
			asked = true
			_, err := person.WriteString(token + "\necho all is 'done'\n")
			w.must(err)
		}
	}
	if got := w.api.Secret("netskope-api-token"); len(got) != 1 || string(got[0]) != token {
		t.Errorf("the secret holds %q, want what the person typed\n%s", got, all.Bytes())
	}
	if w.resources()["jobs/netskope-alerts-collector-hourly"] == nil {
		t.Errorf("the transcript was not run to its end:\n%s", all.Bytes())
	}
}
