package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rongate/rongate/loadtest/report"
)

// reportFlags say where the report goes.
type reportFlags struct {
	Out       string `placeholder:"DIR" type:"path" help:"Write report.html, report.json and report.txt there."`
	Benchmark bool   `help:"Print lines for benchstat instead of the summary."`
}

// write prints the summary and writes the files.
func (f *reportFlags) write(out output, r *report.Report) error {
	show := report.WriteText
	if f.Benchmark {
		show = report.WriteBenchmark
	}
	if err := show(out.stdout, r); err != nil {
		return err
	}
	if f.Out == "" {
		return nil
	}
	return writeFiles(f.Out, r, out.stderr)
}

// writeFiles writes a report in all its forms.
func writeFiles(dir string, r *report.Report, told io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer, *report.Report) error{
		"report.html": report.WriteHTML, "report.json": report.WriteJSON, "report.txt": report.WriteText,
	} {
		if err := writeFile(filepath.Join(dir, name), r, write); err != nil {
			return err
		}
	}
	fmt.Fprintln(told, "report:", filepath.Join(dir, "report.html"))
	return nil
}

func writeFile(path string, r *report.Report, write func(io.Writer, *report.Report) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(file, r), file.Close())
}
