"""The service on Kubernetes: the Helm chart, and the generator of its values' schema."""
