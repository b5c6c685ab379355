package pool

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
)

func TestGreetings(t *testing.T) {
	good := greetingPacket()
	for _, test := range []struct {
		name string
		says []byte
		want error // nil: the driver may have it
	}{
		{"MySQL", framed(0, good), nil},
		{"refusal", framed(0, []byte("\xff\x10\x04Too many connections")), nil},
		{"bare refusal", framed(0, []byte{0xff, 0x10, 0x04}), errNoGreeting},
		{"X protocol notice", []byte{5, 0, 0, 0, 11, 8, 5, 26, 0}, errNoGreeting},
		{"SSH", []byte("SSH-2.0-OpenSSH_9.2p1\r\n"), errNoGreeting},
		{"SMTP", []byte("220 mail ESMTP\r\n"), errNoGreeting},
		{"old protocol", framed(0, append([]byte{9}, good[1:]...)), errNoGreeting},
		{"no end of the version", framed(0, []byte{10, '8', '.', '0'}), errNoGreeting},
		{"short", framed(0, good[:len(good)/2]), errNoGreeting},
		{"empty", []byte{0, 0, 0, 0}, errNoGreeting},
		{"late in the sequence", framed(1, good), errNoGreeting},
	} {
		got, err := readGreeting(strings.NewReader(string(test.says)))
		if !errors.Is(err, test.want) || err == nil && string(got) != string(test.says) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	whole := framed(0, good)
	for n := range whole {
		if _, err := readGreeting(strings.NewReader(string(whole[:n]))); err == nil {
			t.Errorf("%d of %d bytes pass for a greeting", n, len(whole))
		}
	}
}

// All of a handshake is bounded as one, whatever the server stops at.
func TestHandshakeDeadlineHoldsAtEveryTurn(t *testing.T) {
	script := handshakeScript()
	for n := range len(script) {
		synctest.Test(t, func(t *testing.T) {
			cfg := scriptedServer{script: script[:n], hold: true}.config()
			start := time.Now()
			err := Once(context.Background(), cfg, nil)
			if took := time.Since(start); !errors.Is(err, ErrTimeout) || took != time.Second {
				t.Errorf("after %d turns: %v in %v", n, err, took)
			}
		})
	}
}

func TestCloseAbortsAHandshakeAtEveryTurn(t *testing.T) {
	script := handshakeScript()
	for n := range len(script) {
		synctest.Test(t, func(t *testing.T) {
			cfg := scriptedServer{script: script[:n], hold: true}.config()
			cfg.HandshakeTimeout = time.Hour
			p, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			later(time.Minute)
			start := time.Now()
			if err := p.Close(context.Background()); err != nil || time.Since(start) != 0 {
				t.Errorf("after %d turns: %v in %v", n, err, time.Since(start))
			}
		})
	}
}

func TestPasswordIsAskedAtEveryDial(t *testing.T) {
	asked := 0
	cfg := scriptedServer{script: handshakeScript()}.config()
	cfg.Password = func() (string, error) {
		asked++
		if asked == 2 {
			return "", errRefused
		}
		return "secret", nil
	}
	for i, want := range []error{nil, errRefused, nil} {
		if err := Once(context.Background(), cfg, func(*Conn) error { return nil }); !errors.Is(err, want) {
			t.Errorf("dial %d: %v", i+1, err)
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}

func TestTLSIsNotGivenUp(t *testing.T) {
	cfg := scriptedServer{script: handshakeScript()}.config()
	cfg.TLS = tlsOf(nil, "node")
	if err := Once(context.Background(), cfg, nil); !errors.Is(err, mysql.ErrNoTLS) {
		t.Errorf("a server without TLS: %v", err)
	}
}
