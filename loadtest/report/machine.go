package report

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Here returns the machine that this runs on, as far as it says.
func Here() Machine { return machineIn("/proc", "/etc/os-release") }

// machineIn reads what Linux says of itself. Elsewhere there are no such files.
func machineIn(proc, release string) Machine {
	m := Machine{
		CPU:   field(proc+"/cpuinfo", ":", "model name", "Model", "cpu model"),
		Cores: runtime.NumCPU(),
		OS:    runtime.GOOS + "/" + runtime.GOARCH,
	}
	if kib, err := strconv.ParseInt(strings.TrimSuffix(field(proc+"/meminfo", ":", "MemTotal"), " kB"), 10, 64); err == nil {
		m.Memory = kib << 10
	}
	if kernel, err := os.ReadFile(proc + "/sys/kernel/osrelease"); err == nil {
		m.OS += " " + strings.TrimSpace(string(kernel))
	}
	if name := strings.Trim(field(release, "=", "PRETTY_NAME"), `"`); name != "" {
		m.OS += ", " + name
	}
	return m
}

// field returns the first of some fields that a file of lines has.
func field(path, separator string, names ...string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for _, name := range names {
		for line := range strings.Lines(string(text)) {
			if key, value, ok := strings.Cut(line, separator); ok && strings.TrimSpace(key) == name {
				return strings.TrimSpace(value)
			}
		}
	}
	return ""
}
