module coxswain/conformance/bench

go 1.26.0

require (
	go.yaml.in/yaml/v3 v3.0.4
	golang.org/x/net v0.57.0
)
