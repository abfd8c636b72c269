"""The service on a Kubernetes cluster: the Helm chart, and what the schema of its values is made from."""
