package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// target is where the requests go: what a kubeconfig's current context says.
type target struct {
	addr string // host:port
	host string // :authority
	tls  *tls.Config
	auth string // the Authorization header, or empty
}

type kubeconfig struct {
	Current  string `yaml:"current-context"`
	Contexts []struct {
		Name    string
		Context struct{ Cluster, User string }
	}
	Clusters []struct {
		Name    string
		Cluster struct {
			Server   string
			CA       string `yaml:"certificate-authority"`
			CAData   string `yaml:"certificate-authority-data"`
			Insecure bool   `yaml:"insecure-skip-tls-verify"`
			Name     string `yaml:"tls-server-name"`
		}
	}
	Users []struct {
		Name string
		User struct {
			Cert      string `yaml:"client-certificate"`
			CertData  string `yaml:"client-certificate-data"`
			Key       string `yaml:"client-key"`
			KeyData   string `yaml:"client-key-data"`
			Token     string
			TokenFile string `yaml:"tokenFile"`
			Username  string
			Password  string
		}
	}
}

// pick returns the index of the entry with that name, or an error that names it.
func pick(kind, name string, count int, nameOf func(int) string) (int, error) {
	for i := 0; i < count; i++ {
		if nameOf(i) == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("the kubeconfig has no %s %q", kind, name)
}

// bytesOf returns what a pair like client-key, client-key-data stands for; nil when neither is given.
func bytesOf(dir, file, data string) ([]byte, error) {
	if data != "" {
		return base64.StdEncoding.DecodeString(data)
	}
	if file == "" {
		return nil, nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	return os.ReadFile(file)
}

// readTarget reads a kubeconfig (YAML, or JSON, which is YAML).
func readTarget(path string) (*target, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var k kubeconfig
	if err := yaml.Unmarshal(text, &k); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c, err := pick("context", k.Current, len(k.Contexts), func(i int) string { return k.Contexts[i].Name })
	if err != nil {
		return nil, err
	}
	context := k.Contexts[c].Context
	cl, err := pick("cluster", context.Cluster, len(k.Clusters), func(i int) string { return k.Clusters[i].Name })
	if err != nil {
		return nil, err
	}
	u, err := pick("user", context.User, len(k.Users), func(i int) string { return k.Users[i].Name })
	if err != nil {
		return nil, err
	}
	return makeTarget(filepath.Dir(path), &k, cl, u)
}

func makeTarget(dir string, k *kubeconfig, cl, u int) (*target, error) {
	cluster, user := k.Clusters[cl].Cluster, k.Users[u].User
	server, err := url.Parse(cluster.Server)
	if err != nil || server.Scheme != "https" {
		return nil, fmt.Errorf("the server %q is no https address", cluster.Server)
	}
	t := &target{addr: server.Host, host: server.Host}
	if server.Port() == "" {
		t.addr = net.JoinHostPort(server.Hostname(), "443")
	}
	t.tls = &tls.Config{NextProtos: []string{"h2"}, ServerName: server.Hostname(), InsecureSkipVerify: cluster.Insecure}
	if cluster.Name != "" {
		t.tls.ServerName = cluster.Name
	}
	ca, err := bytesOf(dir, cluster.CA, cluster.CAData)
	if err != nil {
		return nil, err
	}
	if ca != nil {
		t.tls.RootCAs = x509.NewCertPool()
		t.tls.RootCAs.AppendCertsFromPEM(ca)
	}
	cert, err := bytesOf(dir, user.Cert, user.CertData)
	if err != nil {
		return nil, err
	}
	key, err := bytesOf(dir, user.Key, user.KeyData)
	if err != nil {
		return nil, err
	}
	if cert != nil && key != nil {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, err
		}
		t.tls.Certificates = []tls.Certificate{pair}
	}
	token, err := bytesOf(dir, user.TokenFile, "")
	if err != nil {
		return nil, err
	}
	if user.Token != "" {
		token = []byte(user.Token)
	}
	switch {
	case token != nil:
		t.auth = "Bearer " + strings.TrimSpace(string(token))
	case user.Username != "":
		t.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username+":"+user.Password))
	}
	return t, nil
}
