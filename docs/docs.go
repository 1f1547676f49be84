// Package docs reads the commands that the README and the pages beside this file show, for
// the tests that execute them. Only tests use it.
package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Command is a command as a page shows it, and the output below it.
type Command struct {
	Text   string   // continued lines joined
	Output []string // without blank lines and lines that are only "…"
}

// Block is a fenced block of commands, of the language console (behind a dollar sign, with
// their output) or sh.
type Block struct {
	Page     string // relative to the root of the module
	Line     int    // of the fence
	Test     string // the name of the test that executes it; or empty
	Reason   string // why none does; or empty
	Commands []Command
}

// Pages are the README and all pages in docs, relative to the module's root, which is given
// relative to the caller.
func Pages(root string) ([]string, error) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	for i := range pages {
		pages[i] = "docs/" + filepath.Base(pages[i])
	}
	return append([]string{"README.md"}, pages...), err
}

// ExecutedBy returns the blocks that the pages say are executed by the test: those behind the
// comment "executed by NAME", and all between "tour, executed by NAME" and "end of tour". It
// is an error if there is none.
func ExecutedBy(root, test string) ([]Block, error) {
	all, err := Blocks(root)
	var its []Block
	for _, b := range all {
		if b.Test == test {
			its = append(its, b)
		}
	}
	if err == nil && len(its) == 0 {
		err = fmt.Errorf("no page says that %s executes a command of it", test)
	}
	return its, err
}

var (
	fence = regexp.MustCompile("^ *```(.*)$")
	mark  = regexp.MustCompile(`^<!-- (?:(tour, )?executed by (\w+)|not executed: (.+)) -->$`)
)

// Blocks returns all blocks of commands of all pages.
func Blocks(root string) ([]Block, error) {
	pages, err := Pages(root)
	if err != nil {
		return nil, err
	}
	var all []Block
	for _, page := range pages {
		content, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			return nil, err
		}
		blocks, err := blocksOf(page, string(content))
		if err != nil {
			return nil, err
		}
		all = append(all, blocks...)
	}
	return all, nil
}

func blocksOf(page, content string) ([]Block, error) {
	var all []Block
	var body []string
	var tour, test, reason string
	inside, language, at := false, "", 0
	for i, line := range strings.Split(content, "\n") {
		if f := fence.FindStringSubmatch(line); f != nil {
			if inside = !inside; inside {
				language, at, body = f[1], i+1, nil
				continue
			}
			switch language {
			case "console", "sh":
				b := Block{Page: page, Line: at, Test: test, Reason: reason, Commands: commands(language, body)}
				if b.Test == "" && b.Reason == "" {
					b.Test = tour
				}
				all = append(all, b)
			case "text", "json", "yaml":
			default:
				return nil, fmt.Errorf("%s:%d: want a block of console, sh, text, json or yaml, not %q", page, at, language)
			}
			test, reason = "", ""
			continue
		}
		switch m := mark.FindStringSubmatch(line); {
		case inside:
			body = append(body, line)
		case line == "<!-- end of tour -->":
			tour = ""
		case m != nil && m[1] != "":
			tour = m[2]
		case m != nil:
			test, reason = m[2], m[3]
		case strings.HasPrefix(line, "<!--"):
			return nil, fmt.Errorf("%s:%d: %q says of no block by which test it is executed", page, i+1, line)
		default: // a mark stands on the line before its block
			test, reason = "", ""
		}
	}
	if inside || tour != "" {
		return nil, fmt.Errorf("%s: a block or a tour does not end", page)
	}
	return all, nil
}

func commands(language string, body []string) (all []Command) {
	for _, line := range body {
		command, starts := line, true
		if language == "console" {
			command, starts = strings.CutPrefix(line, "$ ")
		}
		trimmed := strings.TrimSpace(line)
		last := len(all) - 1
		switch {
		case last >= 0 && strings.HasSuffix(all[last].Text, `\`):
			all[last].Text = strings.TrimSuffix(all[last].Text, `\`) + trimmed
		case trimmed == "" || trimmed == "…":
		case starts:
			all = append(all, Command{Text: command})
		case last >= 0:
			all[last].Output = append(all[last].Output, line)
		}
	}
	return all
}
