package main

func testServer(kubeconfig string) {}
