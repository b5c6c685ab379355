package kubernetes

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestProgramAcceptsConfiguration gives the program the files that its container would have, and the variables.
func TestProgramAcceptsConfiguration(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "rongate")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/rongate")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	onEach(t, func(t *testing.T, m *manifest) {
		c := m.rongate(t)
		root := t.TempDir()
		m.materialize(t, c, root)
		if len(c.Args) != 3 || c.Args[0] != "serve" || c.Args[1] != "--config" {
			t.Fatalf("args: %v", c.Args)
		}
		check := exec.CommandContext(t.Context(), binary, "check", "--offline", "--config", filepath.Join(root, c.Args[2]))
		check.Env = environment(t, c)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// materialize writes the files of a container's volumes below root, and makes the paths within them lead there.
func (m *manifest) materialize(t *testing.T, c *corev1.Container, root string) {
	t.Helper()
	files, moved := map[string]string{}, []string{}
	for _, mount := range c.VolumeMounts {
		_, volume := m.volume(c, mount.MountPath+"/file")
		var data map[string]string
		switch {
		case volume.ConfigMap != nil:
			data = m.configMap.Data
		case volume.Secret != nil:
			data = m.secret.StringData
		default:
			continue // an empty directory, for the socket
		}
		moved = append(moved, mount.MountPath+"/", filepath.Join(root, mount.MountPath)+"/")
		for name, text := range data {
			files[filepath.Join(root, mount.MountPath, name)] = text
		}
	}
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.NewReplacer(moved...).Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// environment returns a container's variables as the kubelet would set them on a machine of zone-a.
func environment(t *testing.T, c *corev1.Container) []string {
	t.Helper()
	var env []string
	for _, e := range c.Env {
		value := e.Value
		switch from := e.ValueFrom; {
		case from == nil:
		case from.FieldRef != nil:
			if from.FieldRef.FieldPath != "metadata.labels['topology.kubernetes.io/zone']" {
				t.Fatalf("%s: %s", e.Name, from.FieldRef.FieldPath)
			}
			value = "zone-a"
		case from.ResourceFieldRef != nil:
			value = resource(t, c, from.ResourceFieldRef)
		default:
			t.Fatalf("%s comes from %+v", e.Name, from)
		}
		env = append(env, e.Name+"="+value)
	}
	return env
}

// resource returns what the downward API says of a container's resource: whole units, rounded up.
func resource(t *testing.T, c *corev1.Container, ref *corev1.ResourceFieldSelector) string {
	t.Helper()
	if ref.ContainerName != "" || !ref.Divisor.IsZero() {
		t.Fatalf("of another container, or in another unit: %+v", ref)
	}
	list := map[string]corev1.ResourceList{"limits": c.Resources.Limits, "requests": c.Resources.Requests}
	kind, name, _ := strings.Cut(ref.Resource, ".")
	quantity, ok := list[kind][corev1.ResourceName(name)]
	if !ok {
		t.Fatalf("the container does not set %s", ref.Resource)
	}
	return strconv.FormatInt(quantity.Value(), 10)
}

// TestVariables: each is one that the program or Go's runtime looks at.
func TestVariables(t *testing.T) {
	sources, err := filepath.Glob("../../cmd/rongate/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var program strings.Builder
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		program.Write(text)
	}
	known := func(name string) bool {
		return name == "GOMAXPROCS" || strings.Contains(program.String(), strconv.Quote(name))
	}
	onEach(t, func(t *testing.T, m *manifest) {
		var names []string
		for _, e := range m.rongate(t).Env {
			names = append(names, e.Name)
			if !known(e.Name) {
				t.Errorf("nothing looks at %s", e.Name)
			}
		}
		for _, name := range []string{"RONGATE_ZONE", "RONGATE_MEMORY_LIMIT", "GOMAXPROCS"} {
			if !slices.Contains(names, name) {
				t.Errorf("%s is not set", name)
			}
		}
	})
}
