package main

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hubbub/internal/doctor"
)

// checkup is the command that looks at a place from outside.
type checkup struct {
	proxy, ca   string
	json, quick bool
	idle        time.Duration
}

func newDoctor() *cobra.Command {
	var k checkup
	c := &cobra.Command{
		Use:   "doctor URL",
		Short: "Find out whether WebSockets work through the proxy before a hubbub, and what mends it",
		Long: `Find out whether WebSockets work through whatever stands between here and the hubbub at URL.

Each fault has its cause and the lines that mend it. The exit code is 1 if there is one.
It needs no session, and works from any machine.`,
		Args: wants(1, "the address of a hubbub, such as https://chat.example.org"),
		RunE: k.run,
	}
	f := c.Flags()
	f.StringVar(&k.proxy, "proxy", "", "show the lines for one `proxy` only: "+strings.Join(doctor.Proxies, ", "))
	f.BoolVar(&k.json, "json", false, "print what was found as JSON")
	f.BoolVar(&k.quick, "quick", false, "leave out the slow test of a silent socket")
	f.DurationVar(&k.idle, "idle", doctor.DefaultIdle, "how `long` a silent socket is watched at most")
	f.StringVar(&k.ca, "ca", "", "`file` with the certificates of authorities to believe instead of the system's")
	return c
}

func (k *checkup) run(c *cobra.Command, args []string) error {
	o, err := k.options(c.ErrOrStderr())
	if err != nil {
		return err
	}
	u, err := doctor.Address(args[0])
	if err != nil {
		return &usageError{err}
	}
	report, err := doctor.Run(c.Context(), u, o)
	if err != nil {
		return err
	}
	if k.json {
		err = k.printJSON(c.OutOrStdout(), report)
	} else {
		k.print(c.OutOrStdout(), report)
	}
	if n := faults(report); err == nil && n > 0 {
		return fmt.Errorf("%s at %s", counted(n, "fault"), report.URL)
	}
	return err
}

func (k *checkup) options(w io.Writer) (o doctor.Options, err error) {
	if k.proxy != "" && !slices.Contains(doctor.Proxies, k.proxy) {
		return o, usagef("--proxy is one of %s, not %q", strings.Join(doctor.Proxies, ", "), k.proxy)
	}
	if k.idle <= 0 || k.idle > doctor.MaxIdle {
		return o, usagef("--idle is a time up to %s, not %s", doctor.MaxIdle, k.idle)
	}
	o = doctor.Options{Quick: k.quick, Idle: k.idle, Progress: progress(w)}
	if k.ca == "" {
		return o, nil
	}
	pem, err := os.ReadFile(k.ca)
	if err != nil {
		return o, usagef("--ca: %v", err)
	}
	o.Roots = x509.NewCertPool()
	if !o.Roots.AppendCertsFromPEM(pem) {
		return o, usagef("--ca: %s has no certificate in PEM", k.ca)
	}
	return o, nil
}

// progress shows how long the silent socket has been watched: on a terminal as it goes,
// elsewhere once.
func progress(w io.Writer) func(silent, most time.Duration) {
	terminal := false
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	said := false
	return func(silent, most time.Duration) {
		switch {
		case terminal && silent+time.Second > most:
			fmt.Fprint(w, "\r\x1b[K")
		case terminal:
			fmt.Fprintf(w, "\rWatching a silent socket: %d of up to %d seconds ", int(silent.Seconds()), int(most.Seconds()))
		case !said:
			fmt.Fprintf(w, "Watching a silent socket for up to %d seconds; --quick leaves that out.\n", int(most.Seconds()))
		}
		said = true
	}
}

func faults(r doctor.Report) (n int) {
	for _, c := range r.Checks {
		if c.State == doctor.Faulty {
			n++
		}
	}
	return n
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// states are how the table calls them.
var states = map[doctor.State]string{doctor.OK: "ok", doctor.Faulty: "FAULT", doctor.Untested: "could not be tested"}

func (k *checkup) print(w io.Writer, r doctor.Report) {
	fmt.Fprintf(w, "%s\n\n", r.URL)
	rows := [][]string{{"CHECK", "STATE", "WHAT WAS FOUND"}}
	for _, c := range r.Checks {
		rows = append(rows, []string{c.ID, states[c.State], c.Sentence()})
	}
	table(w, rows)
	for _, c := range r.Checks {
		mends := k.mends(c)
		if len(mends) == 0 {
			continue
		}
		fmt.Fprintf(w, "\nWhat mends %q:\n", c.ID)
		for _, m := range mends {
			fmt.Fprint(w, "\n"+indent(m.Text()))
		}
	}
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// mends are the remedies that were asked for: of one proxy, and of what is no proxy.
func (k *checkup) mends(c doctor.Check) []doctor.Remedy {
	return slices.DeleteFunc(c.Mends(), func(r doctor.Remedy) bool {
		return k.proxy != "" && r.For != k.proxy && slices.Contains(doctor.Proxies, r.For)
	})
}

func (k *checkup) printJSON(w io.Writer, r doctor.Report) error {
	type told struct {
		doctor.Check
		Sentence string          `json:"sentence"`
		Mends    []doctor.Remedy `json:"mends,omitempty"`
	}
	checks := make([]told, 0, len(r.Checks))
	for _, c := range r.Checks {
		checks = append(checks, told{c, c.Sentence(), k.mends(c)})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		URL     string `json:"url"`
		Version string `json:"version,omitempty"`
		Sound   bool   `json:"sound"` // no fault
		Checks  []told `json:"checks"`
	}{r.URL, r.Version, r.Sound(), checks})
}
