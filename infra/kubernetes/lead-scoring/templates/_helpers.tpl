{{/* The base name of all resources: the release's, followed by the chart's unless it contains that. */}}
{{- define "lead-scoring.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end -}}
{{- .Values.fullnameOverride | default $name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{/* The selector of the pods; it is immutable. */}}
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

{{/* The environment with the overrides, as JSON. Every template includes it, so an invalid one deploys nothing. */}}
{{- define "lead-scoring.environment" -}}
{{- $all := .Files.Get "files/environments.json" | fromJson -}}
{{- $found := get $all .Values.environment -}}
{{- if not (kindIs "map" $found) -}}
{{- $names := list -}}
{{- range $name, $value := $all }}{{ if kindIs "map" $value }}{{ $names = append $names $name }}{{ end }}{{ end -}}
{{- fail (printf "environment must be one of %s, the environments of files/environments.json, not '%s'; if there are none, the chart was checked out or packaged without symbolic links" (join ", " $names | default "(none)") .Values.environment) -}}
{{- end -}}
{{- $environment := mergeOverwrite (deepCopy $found) (deepCopy .Values.overrides) -}}
{{- include "lead-scoring.check" (dict "root" . "environment" $environment) -}}
{{- toJson $environment -}}
{{- end }}

{{/* Rejects overrides that conflict with other values, and the demo key, which is public. */}}
{{- define "lead-scoring.check" -}}
{{- $e := .environment -}}{{- $s := $e.settings -}}{{- $v := .root.Values -}}
{{- if gt (int $e.min_replicas) (int $e.max_replicas) -}}
{{- fail (printf "min_replicas must be at most max_replicas, not %d and %d" (int $e.min_replicas) (int $e.max_replicas)) -}}
{{- end -}}
{{- $answered := addf ($s.DRAIN_SECONDS | float64) ($s.SHUTDOWN_SECONDS | float64) -}}
{{- if le ($e.ending.stop_seconds | float64) $answered -}}
{{- fail (printf "ending.stop_seconds must be greater than DRAIN_SECONDS + SHUTDOWN_SECONDS, or responses are cut off: not %v with a sum of %v" $e.ending.stop_seconds $answered) -}}
{{- end -}}
{{- if and $v.ledger.existingSecret (le ($e.ending.stop_seconds | float64) (addf $answered 10)) -}}
{{- fail (printf "ending.stop_seconds must be greater than DRAIN_SECONDS + SHUTDOWN_SECONDS + 10 with a ledger, or the tape is lost before it is moved: not %v" $e.ending.stop_seconds) -}}
{{- end -}}
{{- if and $v.ledger.existingSecret (lt (int $v.ledger.tapeMebibytes) (mul 32 (int $s.WORKERS))) -}}
{{- fail (printf "ledger.tapeMebibytes must be at least 32 for each of WORKERS, not %d" (int $v.ledger.tapeMebibytes)) -}}
{{- end -}}
{{- range $name := list "LEDGER_FULL" "LEDGER_DAYS" "LEDGER_SHARE" "LEDGER_LEAD_IDS" -}}
{{- if and (not $v.ledger.existingSecret) (hasKey $v.overrides "settings") (hasKey ($v.overrides.settings | default dict) $name) -}}
{{- fail (printf "%s has no effect without ledger.existingSecret" $name) -}}
{{- end -}}
{{- end -}}
{{- if ne (int $s.WORKERS) (max 1 (div (int $e.cpu_millicores) 1000) | int) -}}
{{- fail (printf "WORKERS must be cpu_millicores / 1000, rounded down, at least 1: not %d with %d cpu_millicores" (int $s.WORKERS) (int $e.cpu_millicores)) -}}
{{- end -}}
{{- if contains "sagemaker" (lower (toString $s.ENDPOINT_PROTOCOLS)) -}}
{{- fail "ENDPOINT_PROTOCOLS must not contain sagemaker on a port that clients reach: it scores without a key" -}}
{{- end -}}
{{- if contains "demo-api-key-123" (toJson $v) -}}
{{- fail "the values must not contain the demo key, which is public" -}}
{{- end -}}
{{- if and $v.apiKeys.value $v.apiKeys.existingSecret -}}
{{- fail "only one of apiKeys.existingSecret and apiKeys.value may be set" -}}
{{- end -}}
{{- if and $v.apiKeys.value (not (regexReplaceAll "[,\\s]" $v.apiKeys.value "")) -}}
{{- fail "apiKeys.value must contain a key: with only commas and spaces the service would accept the demo key" -}}
{{- end -}}
{{- if not (or $v.apiKeys.value $v.apiKeys.existingSecret $v.keyFile.existingSecret) -}}
{{- fail "a key is required: set apiKeys.existingSecret, keyFile.existingSecret or apiKeys.value; without it the service would accept the demo key" -}}
{{- end -}}
{{- if gt (len (compact (list $v.model.claim $v.model.configMap $v.model.image))) 1 -}}
{{- fail "only one of model.claim, model.configMap and model.image may be set" -}}
{{- end -}}
{{- end }}

{{/* A setting as text: numbers of JSON and YAML are floats, and large ones would be written with an exponent. */}}
{{- define "lead-scoring.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ toString . }}{{ end -}}
{{- end }}

{{/* The name of the port with /metrics, /status and /resources. */}}
{{- define "lead-scoring.operationsPort" -}}
{{- if eq (lower (.OPERATIONS_ACCESS | default "open")) "port" }}operations{{ else }}http{{ end -}}
{{- end }}

{{/* Whether to create a resource of the Prometheus Operator: "true" or nothing. */}}
{{- define "lead-scoring.operator" -}}
{{- $there := .root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1" -}}
{{- if or (eq (toString .enabled) "true") (and (eq (toString .enabled) "auto") $there) }}true{{ end -}}
{{- end }}
