package kubernetes

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// userID is the one of the image, and the group's.
const userID = 65532

// TestProbes: they ask what rongate answers, at a port that its private listener has for callers from outside the pod.
func TestProbes(t *testing.T) {
	onEach(t, func(t *testing.T, m *manifest) {
		c := m.rongate(t)
		for _, tc := range []struct {
			name, path string
			probe      *corev1.Probe
		}{
			{"startup", "/livez", c.StartupProbe},
			{"readiness", "/readyz", c.ReadinessProbe},
			{"liveness", "/livez", c.LivenessProbe},
		} {
			if tc.probe == nil || tc.probe.HTTPGet == nil {
				t.Errorf("no %s probe by HTTP", tc.name)
				continue
			}
			if tc.probe.HTTPGet.Path != tc.path {
				t.Errorf("the %s probe asks for %s, want %s", tc.name, tc.probe.HTTPGet.Path, tc.path)
			}
			port := portOf(t, c, tc.probe.HTTPGet.Port)
			if ports := m.config.PrivateListen.ports(t); !slices.Contains(ports, port) {
				t.Errorf("the %s probe asks at port %s; rongate answers at %v", tc.name, port, ports)
			}
		}
	})
}

// portOf resolves a port's name.
func portOf(t *testing.T, c *corev1.Container, port intstr.IntOrString) string {
	t.Helper()
	for _, p := range c.Ports {
		if p.Name == port.StrVal || p.ContainerPort == port.IntVal {
			return strconv.Itoa(int(p.ContainerPort))
		}
	}
	t.Errorf("the container has no port %s", port.String())
	return ""
}

// TestGrace: nobody is killed who would have ended by itself.
func TestGrace(t *testing.T) {
	onEach(t, func(t *testing.T, m *manifest) {
		grace := time.Duration(*m.deployment.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
		delay, timeout := duration(t, m.config.Shutdown.Delay), duration(t, m.config.Shutdown.Timeout)
		need := delay + timeout
		for _, c := range m.deployment.Spec.Template.Spec.Containers {
			if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
				need += time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
			}
		}
		if grace <= need {
			t.Errorf("a pod has %v to end, and needs more than %v", grace, need)
		}
		// A sidecar's callers have ended before it is told to; a gateway's have yet to hear of it.
		if sidecar := m.rongate(t).RestartPolicy != nil; sidecar != (delay == 0) {
			t.Errorf("shutdown.delay is %v", delay)
		}
	})
}

func TestSelectors(t *testing.T) {
	onEach(t, func(t *testing.T, m *manifest) {
		pods := labels.Set(m.deployment.Spec.Template.Labels)
		selectors := map[string]*metav1.LabelSelector{"the Deployment": m.deployment.Spec.Selector}
		if m.budget != nil {
			selectors["the PodDisruptionBudget"] = m.budget.Spec.Selector
		}
		if m.service != nil {
			selectors["the Service"] = &metav1.LabelSelector{MatchLabels: m.service.Spec.Selector}
		}
		for _, constraint := range m.deployment.Spec.Template.Spec.TopologySpreadConstraints {
			selectors["the constraint on "+constraint.TopologyKey] = constraint.LabelSelector
		}
		for name, s := range selectors {
			selector, err := metav1.LabelSelectorAsSelector(s)
			if err != nil || selector.Empty() || !selector.Matches(pods) {
				t.Errorf("%s selects %v, the pods have %v: %v", name, selector, pods, err)
			}
		}
	})
}

// TestService: callers get to the public listener, in their own zone if they can.
func TestService(t *testing.T) {
	m := read(t, "gateway.yaml")
	if len(m.service.Spec.Ports) != 1 {
		t.Fatalf("ports: %v; only the public listener is for callers", m.service.Spec.Ports)
	}
	port := portOf(t, m.rongate(t), m.service.Spec.Ports[0].TargetPort)
	if ports := m.config.Listen.ports(t); !slices.Contains(ports, port) {
		t.Errorf("the Service sends requests to port %s; rongate answers at %v", port, ports)
	}
	if d := m.service.Spec.TrafficDistribution; d == nil || *d != corev1.ServiceTrafficDistributionPreferSameZone {
		t.Errorf("trafficDistribution is not %s", corev1.ServiceTrafficDistributionPreferSameZone)
	}
}

// TestRollOut: no pod goes before another is ready, and the pods are spread over the zones by a rule.
func TestRollOut(t *testing.T) {
	spec := read(t, "gateway.yaml").deployment.Spec
	if r := spec.Strategy.RollingUpdate; r.MaxUnavailable.IntValue() != 0 || r.MaxSurge.IntValue() < 1 {
		t.Errorf("maxUnavailable %v, maxSurge %v", r.MaxUnavailable, r.MaxSurge)
	}
	constraints := spec.Template.Spec.TopologySpreadConstraints
	byZone := slices.ContainsFunc(constraints, func(c corev1.TopologySpreadConstraint) bool {
		return c.TopologyKey == corev1.LabelTopologyZone && c.WhenUnsatisfiable == corev1.DoNotSchedule && c.MaxSkew == 1
	})
	if !byZone || *spec.Replicas < 4 {
		t.Errorf("%d pods, spread by %v", *spec.Replicas, constraints)
	}
}

// TestSidecar: the model is started after rongate and stopped before it, and can connect to the socket, whatever its
// user.
func TestSidecar(t *testing.T) {
	m := read(t, "sidecar.yaml")
	pod := &m.deployment.Spec.Template.Spec
	c := &pod.InitContainers[0]
	if c.Name != "rongate" || c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways {
		t.Errorf("the first init container is no sidecar called rongate: %s", c.String())
	}
	if reachable := m.config.Listen.ports(t); len(reachable) > 0 {
		t.Errorf("reachable from outside the pod, without keys: %v", reachable)
	}
	sockets := m.config.Listen.sockets()
	if len(sockets) != 1 {
		t.Fatalf("sockets: %v", sockets)
	}
	theirs, _ := m.volume(&pod.Containers[0], sockets[0])
	ours, volume := m.volume(c, sockets[0])
	if volume.EmptyDir == nil || ours.ReadOnly || theirs.Name != ours.Name || theirs.MountPath != ours.MountPath {
		t.Errorf("rongate has the socket in %+v, the model in %+v", ours, theirs)
	}
	uses := func(e corev1.EnvVar) bool { return e.Value == sockets[0] }
	if !slices.ContainsFunc(pod.Containers[0].Env, uses) {
		t.Errorf("the model is not told of %s", sockets[0])
	}
}

// TestVolumes: every mount has its volume, every volume its source in the same file, and is mounted by somebody; and a
// change of a ConfigMap or Secret gets to rongate.
func TestVolumes(t *testing.T) {
	onEach(t, func(t *testing.T, m *manifest) {
		pod := &m.deployment.Spec.Template.Spec
		unused := map[string]bool{}
		for _, v := range pod.Volumes {
			unused[v.Name] = true
			if v.ConfigMap != nil && v.ConfigMap.Name != m.configMap.Name ||
				v.Secret != nil && v.Secret.SecretName != m.secret.Name {
				t.Errorf("volume %s is of something that the file does not have", v.Name)
			}
			if v.Secret != nil && (v.Secret.DefaultMode == nil || *v.Secret.DefaultMode != 0o440) {
				t.Errorf("volume %s can be read by others than its group", v.Name)
			}
		}
		for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
			for _, mount := range c.VolumeMounts {
				if _, known := unused[mount.Name]; !known || mount.SubPath != "" || mount.SubPathExpr != "" {
					t.Errorf("%s mounts %+v", c.Name, mount)
				}
				unused[mount.Name] = false
			}
		}
		for name, left := range unused {
			if left {
				t.Errorf("nobody mounts volume %s", name)
			}
		}
	})
}

func TestSecurity(t *testing.T) {
	onEach(t, func(t *testing.T, m *manifest) {
		pod := &m.deployment.Spec.Template.Spec
		if g := pod.SecurityContext.FSGroup; g == nil || *g != userID {
			t.Errorf("fsGroup is not %d in %s", userID, pod.SecurityContext)
		}
		if set(pod.AutomountServiceAccountToken) != "false" || set(pod.EnableServiceLinks) != "false" {
			t.Error("the pod gets a token, or variables of Services")
		}
		s := m.rongate(t).SecurityContext
		for name, ok := range map[string]bool{
			"runAsNonRoot":             set(s.RunAsNonRoot) == "true",
			"runAsUser":                s.RunAsUser != nil && *s.RunAsUser == userID,
			"runAsGroup":               s.RunAsGroup != nil && *s.RunAsGroup == userID,
			"readOnlyRootFilesystem":   set(s.ReadOnlyRootFilesystem) == "true",
			"allowPrivilegeEscalation": set(s.AllowPrivilegeEscalation) == "false",
			"privileged":               s.Privileged == nil,
			"capabilities": len(s.Capabilities.Add) == 0 &&
				slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}),
			"seccompProfile": s.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		} {
			if !ok {
				t.Errorf("%s is not as it should be in %+v", name, s)
			}
		}
	})
}

// set returns what a switch is set to.
func set(v *bool) string {
	if v == nil {
		return ""
	}
	return strconv.FormatBool(*v)
}

// TestResources: a memory limit, which RONGATE_MEMORY_LIMIT takes its value from, and no CPU limit.
func TestResources(t *testing.T) {
	onEach(t, func(t *testing.T, m *manifest) {
		r := m.rongate(t).Resources
		if r.Limits.Memory().IsZero() || r.Requests.Memory().Cmp(*r.Limits.Memory()) > 0 || r.Requests.Cpu().IsZero() {
			t.Errorf("resources: %+v", r)
		}
		if !r.Limits.Cpu().IsZero() {
			t.Error("a CPU limit")
		}
	})
}

// TestPlaceholders: what is to be replaced cannot be taken for something that is there.
func TestPlaceholders(t *testing.T) {
	onEach(t, func(t *testing.T, m *manifest) {
		pod := &m.deployment.Spec.Template.Spec
		for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
			if !strings.HasSuffix(c.Image, ":VERSION") || strings.Contains(c.Image, "/") {
				t.Errorf("image %s", c.Image)
			}
		}
		if password := m.secret.StringData["password"]; password != "REPLACE-ME" {
			t.Errorf("password %q", password)
		}
	})
}

// TestNodeService: the Service that the README shows is headless, and is the one that the manifests read from.
func TestNodeService(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "\n## The nodes\n")
	_, block, _ = strings.Cut(block, "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	s := &corev1.Service{}
	if err := decode([]byte(block), s); err != nil {
		t.Fatal(err)
	}
	if s.Spec.ClusterIP != corev1.ClusterIPNone || s.Spec.PublishNotReadyAddresses || len(s.Spec.Ports) != 1 {
		t.Errorf("no headless Service of ready pods: %+v", s.Spec)
	}
	zone := s.Spec.Selector[corev1.LabelTopologyZone]
	want := fmt.Sprintf("{dns: %q, zone: %s}",
		fmt.Sprintf("%s.%s.svc.cluster.local.:%d", s.Name, s.Namespace, s.Spec.Ports[0].Port), zone)
	onEach(t, func(t *testing.T, m *manifest) {
		if config := m.configMap.Data["rongate.yaml"]; !strings.Contains(config, want) {
			t.Errorf("nodes are not read from %s:\n%s", want, config)
		}
	})
}
