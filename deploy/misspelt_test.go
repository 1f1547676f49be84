package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/env"
	"netskope-alerts.internal/collector/internal/settings"
)

// TestMisspeltAsTheFunctionHasIt: deploy.sh asks of a variable, or of a flag, what runs and check ask
// of it, and of no variable of another program's.
func TestMisspeltAsTheFunctionHasIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bash := func(script string, arguments ...string) string {
		c := exec.Command(filepath.Join(toolbox, "bash"), append([]string{"-euo", "pipefail", "-c",
			"source deploy/settings.sh; source deploy/validate.sh; " + script, "misspelt"}, arguments...)...)
		c.Dir, c.Env = w.source(), []string{"PATH=" + toolbox}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	settings := strings.Fields(bash(`echo "${SETTINGS[*]}"`))
	names := []string{"PAGESIZE", "PAGE_SIZES", "page_size", "PAGES", "MAX_RECRODS", "MAX_RECORD",
		"MAX_RECORDS_PER_RUN", "LAGS",
		"LANG", "LANGUAGE", "lag", "BUDGE", "BUDGETS", "LOGLEVEL", "LOG_LEVEL_ROOT", "TF_LOG_LEVEL",
		"GCS_BUCKET_NAME", "GCS_BUCKETS",
		"GCS", "GCS_PATH", "BUCKET", "NETSKOPE_TOKEN", "NETSKOPE_API_TOKENS", "NETSKOPE_TENANT_URL", "NETSKOPE",
		"NETSKOPE_ALERTS_TOPIC",
		"NETSKOPE_API", "NETSKOPE_TOKEN_FILE", "TENANT_NETSKOPE", "NETSKOPE_DOMAINS", "TIMEFIELD", "TIMEZONE",
		"TIMEOUTS",
		"REQUEST_PER_SECOND", "REQUESTS_PER_SECONDS", "STATEKEY", "HOME", "PATH", "PWD", "TERM", "USER", "WINDOW",
		"WINDOWID", "COLUMNS",
		"HTTPS_PROXY", "NO_PROXY", "KUBECONFIG", "GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CORE_PROJECT",
		"K_SERVICE", "PORT", "REGION_ID",
		"x", "_", "é"}
	v := env.New(func(string) (string, bool) { return "set", true })
	for _, name := range append(settings, "FEED_DELETES") {
		v.Get(name)
	}
	want := map[string]string{}
	for _, p := range v.Misspelt(names) {
		want[p.Name] = strings.TrimSuffix(strings.TrimPrefix(p.Remedy, "do you mean "), "?")
	}
	got := map[string]string{}
	said := bash(`printf '%s\n' "$@" | misspelt "${SETTINGS[@]}" FEED_DELETES`, names...)
	for line := range strings.Lines(said) {
		name, meant, _ := strings.Cut(strings.TrimSpace(line), " ")
		got[name] = meant
	}
	for _, name := range names {
		if got[name] != want[name] {
			t.Errorf("%s: deploy.sh asks for %q, the function's rule is %q", name, got[name], want[name])
		}
	}
	for _, name := range []string{"LANG", "LANGUAGE", "TF_LOG_LEVEL", "LOG_LEVEL_ROOT", "WINDOWID", "HOME",
		"NO_PROXY", "K_SERVICE",
		"NETSKOPE_ALERTS_TOPIC"} {
		if want[name] != "" {
			t.Errorf("%s is another program's: %s", name, want[name])
		}
	}
	if want["PAGESIZE"] != "PAGE_SIZE" || want["GCS_BUCKET_NAME"] != "GCS_BUCKET" ||
		want["NETSKOPE_TENANT_URL"] != "NETSKOPE_TENANT" {
		t.Errorf("%v", want)
	}

	r := w.run(w.settings("--pagesize", "7", "--dry-run")...)
	if r.code != 2 || !strings.Contains(r.err, "there is no flag --pagesize: type --page-size, if you mean that;") {
		t.Errorf("%d %s", r.code, r.err)
	}
	r = w.run(w.settings("--colour", "7", "--dry-run")...)
	if r.code != 2 || !strings.Contains(r.err, "there is no flag --colour; ./deploy.sh help") {
		t.Errorf("%d %s", r.code, r.err)
	}
	w.environment = append(w.environment, "PAGESIZE=7", "LANG=C")
	r = w.run(w.settings("--dry-run")...)
	if r.code != 0 || strings.Count(r.err, "nothing reads it") != 1 ||
		!strings.Contains(r.err, "deploy.sh: PAGESIZE is set, but nothing reads it: do you mean PAGE_SIZE?\n") {
		t.Errorf("%d %s", r.code, r.err)
	}
}

// TestSettingsOfDeployAreNoSlip: who has deploy.sh's settings in the environment is asked nothing by
// the command.
func TestSettingsOfDeployAreNoSlip(t *testing.T) {
	source, err := os.ReadFile("settings.sh")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(source), "SETTINGS=(")
	list, _, _ = strings.Cut(list, ")")
	for _, name := range append(strings.Fields(list), "FEED_DELETES", "NETSKOPE_ALERTS_TOPIC") {
		t.Setenv(name, "set")
	}
	if all := settings.Misspelt(os.LookupEnv); len(all) > 0 {
		t.Errorf("%v", all)
	}
	t.Setenv("PAGESIZE", "secret")
	all := settings.Misspelt(os.LookupEnv)
	if len(all) != 1 || all[0].Error() != "PAGESIZE is set, but nothing reads it: do you mean PAGE_SIZE?" {
		t.Errorf("%v", all)
	}
}
