package kubernetes

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// manifest is one file: a Deployment and what belongs to it.
type manifest struct {
	deployment *appsv1.Deployment
	configMap  *corev1.ConfigMap
	secret     *corev1.Secret
	service    *corev1.Service               // nil in sidecar.yaml
	budget     *policyv1.PodDisruptionBudget // nil in sidecar.yaml
	config     settings
}

// settings is what of the embedded rongate.yaml other parts of the manifest have to agree with.
type settings struct {
	Listen        addresses `json:"listen"`
	PrivateListen addresses `json:"privateListen"`
	Shutdown      struct {
		Delay   string `json:"delay"`
		Timeout string `json:"timeout"`
	} `json:"shutdown"`
}

// addresses is one address or a list of them.
type addresses []string

func (a *addresses) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return yaml.Unmarshal(text, (*[]string)(a))
	}
	*a = make(addresses, 1)
	return yaml.Unmarshal(text, &(*a)[0])
}

// ports returns the TCP ports that are reachable from outside the pod.
func (a addresses) ports(t *testing.T) []string {
	t.Helper()
	var ports []string
	for _, address := range a {
		if strings.HasPrefix(address, "/") {
			continue
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if ip := net.ParseIP(host); ip != nil && !ip.IsLoopback() {
			ports = append(ports, port)
		}
	}
	return ports
}

// sockets returns the paths of unix sockets.
func (a addresses) sockets() []string {
	return slices.DeleteFunc(slices.Clone(a), func(address string) bool { return !strings.HasPrefix(address, "/") })
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// onEach runs a test on every manifest of the folder.
func onEach(t *testing.T, test func(t *testing.T, m *manifest)) {
	for _, name := range []string{"sidecar.yaml", "gateway.yaml"} {
		t.Run(name, func(t *testing.T) { test(t, read(t, name)) })
	}
}

func read(t *testing.T, name string) *manifest {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	m := &manifest{}
	for i, document := range strings.Split(string(text), "\n---\n") {
		if err := m.add([]byte(document)); err != nil {
			t.Fatalf("document %d: %v", i+1, err)
		}
	}
	if m.deployment == nil || m.configMap == nil || m.secret == nil {
		t.Fatal("want a Deployment, a ConfigMap and a Secret")
	}
	if err := yaml.Unmarshal([]byte(m.configMap.Data["rongate.yaml"]), &m.config); err != nil {
		t.Fatal(err)
	}
	return m
}

// add decodes one document into the type that it says it is of.
func (m *manifest) add(document []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	into, known := map[string]any{
		"apps/v1 Deployment":            &m.deployment,
		"v1 ConfigMap":                  &m.configMap,
		"v1 Secret":                     &m.secret,
		"v1 Service":                    &m.service,
		"policy/v1 PodDisruptionBudget": &m.budget,
	}[kind.APIVersion+" "+kind.Kind]
	if !known {
		return fmt.Errorf("a kind that the tests do not know: %s %s", kind.APIVersion, kind.Kind)
	}
	return decode(document, into)
}

// decode reads one document as the API server does when it validates strictly: it refuses fields that the type does not
// have, fields that are there twice, and names in another case.
func decode(document []byte, into any) error {
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return err
	}
	mistakes, err := kjson.UnmarshalStrict(text, into)
	return errors.Join(append(mistakes, err)...)
}

func TestDecodeIsStrict(t *testing.T) {
	for document, right := range map[string]bool{
		"spec: {replicas: 3}":              true,
		"spec: {replicsa: 3}":              false,
		"spec: {Replicas: 3}":              false,
		"spec: {replicas: 3, replicas: 3}": false,
		"spec: {replicas: three}":          false,
	} {
		if err := decode([]byte(document), &appsv1.Deployment{}); (err == nil) != right {
			t.Errorf("%s: %v", document, err)
		}
	}
}

// rongate returns the container that is rongate.
func (m *manifest) rongate(t *testing.T) *corev1.Container {
	t.Helper()
	pod := &m.deployment.Spec.Template.Spec
	for _, list := range [][]corev1.Container{pod.InitContainers, pod.Containers} {
		for i := range list {
			if list[i].Name == "rongate" {
				return &list[i]
			}
		}
	}
	t.Fatal("no container is called rongate")
	return nil
}

// volume returns what a container sees at a path: the longest mount that leads to it, and its volume.
func (m *manifest) volume(c *corev1.Container, path string) (mount corev1.VolumeMount, volume corev1.Volume) {
	for _, candidate := range c.VolumeMounts {
		if strings.HasPrefix(path, candidate.MountPath+"/") && len(candidate.MountPath) > len(mount.MountPath) {
			mount = candidate
		}
	}
	for _, v := range m.deployment.Spec.Template.Spec.Volumes {
		if v.Name == mount.Name {
			volume = v
		}
	}
	return mount, volume
}
