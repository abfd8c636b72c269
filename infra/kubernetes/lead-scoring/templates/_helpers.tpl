{{/* The name of every resource: the release's, with the chart's unless that is in it. */}}
{{- define "lead-scoring.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end -}}
{{- .Values.fullnameOverride | default $name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{/* What finds the pods; it cannot be changed once they are there. */}}
{{- define "lead-scoring.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "lead-scoring.labels" -}}
{{ include "lead-scoring.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "lead-scoring.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "lead-scoring.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end }}

{{- define "lead-scoring.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{/* The environment with what is different here, as JSON. Called by every template, so nothing is deployed of one that
     cannot be. */}}
{{- define "lead-scoring.environment" -}}
{{- $all := .Files.Get "files/environments.json" | fromJson -}}
{{- $found := get $all .Values.environment -}}
{{- if not (kindIs "map" $found) -}}
{{- $names := list -}}
{{- range $name, $value := $all }}{{ if kindIs "map" $value }}{{ $names = append $names $name }}{{ end }}{{ end -}}
{{- fail (printf "environment must be one of %s of files/environments.json, not '%s'; a chart without any was checked out without symbolic links, or packaged so" (join ", " $names | default "(none)") .Values.environment) -}}
{{- end -}}
{{- $environment := mergeOverwrite (deepCopy $found) (deepCopy .Values.overrides) -}}
{{- include "lead-scoring.check" (dict "root" . "environment" $environment) -}}
{{- toJson $environment -}}
{{- end }}

{{/* Refuses figures that do not go together once something is different, and keys that everyone knows. */}}
{{- define "lead-scoring.check" -}}
{{- $e := .environment -}}{{- $s := $e.settings -}}{{- $v := .root.Values -}}
{{- if gt (int $e.min_replicas) (int $e.max_replicas) -}}
{{- fail (printf "min_replicas must be at most max_replicas, not %d and %d" (int $e.min_replicas) (int $e.max_replicas)) -}}
{{- end -}}
{{- $answered := addf ($s.DRAIN_SECONDS | float64) ($s.SHUTDOWN_SECONDS | float64) -}}
{{- if le ($e.ending.stop_seconds | float64) $answered -}}
{{- fail (printf "ending.stop_seconds must be more than DRAIN_SECONDS and SHUTDOWN_SECONDS together, or answers are cut off: not %v and %v" $e.ending.stop_seconds $answered) -}}
{{- end -}}
{{- if ne (int $s.WORKERS) (max 1 (div (int $e.cpu_millicores) 1000) | int) -}}
{{- fail (printf "WORKERS must be the whole processors of cpu_millicores, at least 1: not %d with %d" (int $s.WORKERS) (int $e.cpu_millicores)) -}}
{{- end -}}
{{- if contains "sagemaker" (lower (toString $s.ENDPOINT_PROTOCOLS)) -}}
{{- fail "ENDPOINT_PROTOCOLS must not name sagemaker where clients reach the port: it scores without a key" -}}
{{- end -}}
{{- if contains "demo-api-key-123" (toJson $v) -}}
{{- fail "the demo key, which everyone knows, must not be in the values" -}}
{{- end -}}
{{- if and $v.apiKeys.value $v.apiKeys.existingSecret -}}
{{- fail "apiKeys must have existingSecret or value, not both" -}}
{{- end -}}
{{- if and $v.apiKeys.value (not (regexReplaceAll "[,\\s]" $v.apiKeys.value "")) -}}
{{- fail "apiKeys.value must hold a key: with nothing but commas and blanks the service would take the demo key" -}}
{{- end -}}
{{- if not (or $v.apiKeys.value $v.apiKeys.existingSecret $v.keyFile.existingSecret) -}}
{{- fail "a key is needed: set apiKeys.existingSecret, keyFile.existingSecret or apiKeys.value, or the service would take the demo key" -}}
{{- end -}}
{{- if gt (len (compact (list $v.model.claim $v.model.configMap $v.model.image))) 1 -}}
{{- fail "model must have one of claim, configMap and image, not several" -}}
{{- end -}}
{{- end }}

{{/* A setting as text: numbers of JSON and YAML are floating, and large ones would be written with an exponent. */}}
{{- define "lead-scoring.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ toString . }}{{ end -}}
{{- end }}

{{/* The name of the port with /metrics, /status and /resources. */}}
{{- define "lead-scoring.operationsPort" -}}
{{- if eq (lower (.OPERATIONS_ACCESS | default "open")) "port" }}operations{{ else }}http{{ end -}}
{{- end }}

{{/* Whether something for the Prometheus Operator is made: "true" or nothing. */}}
{{- define "lead-scoring.operator" -}}
{{- $there := .root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1" -}}
{{- if or (eq (toString .enabled) "true") (and (eq (toString .enabled) "auto") $there) }}true{{ end -}}
{{- end }}
