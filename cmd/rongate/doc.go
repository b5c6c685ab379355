// Command rongate serves feature vectors from RonDB: the production binary, and the sidecar, which is the same with its
// listeners on loopback. Its configuration is one YAML file, described in README.md and by rongate --help.
//
// It composes the packages and owns what belongs to a process: flags, the configuration file and its reloading, which nodes
// DNS names lead to, listeners, signals, the log; and rongate check, which looks at all of that before anything is served.
// It knows nothing of how a request is answered.
package main
