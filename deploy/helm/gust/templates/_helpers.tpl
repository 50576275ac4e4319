{{- define "gust.name" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{/* Labels of a part; to be called with (list . "controller"). */}}
{{- define "gust.labels" -}}
{{ include "gust.selector" . }}
{{- with index . 0 }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
{{- end }}

{{- define "gust.selector" -}}
app.kubernetes.io/name: {{ (index . 0).Chart.Name }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}


{{- define "gust.secret" -}}
{{ .Values.secrets.existingSecret | default (printf "%s-secrets" (include "gust.name" .)) }}
{{- end }}

{{/* Of a part; to be called with (list . .Values.controller.image). */}}
{{- define "gust.image" -}}
{{- $image := index . 1 -}}
image: {{ printf "%s:%s" $image.repository ($image.tag | default (index . 0).Chart.AppVersion) | quote }}
imagePullPolicy: {{ $image.pullPolicy }}
{{- end }}

{{/* A change of these, which only a restart puts in force, starts the pods anew. */}}
{{- define "gust.podAnnotations" -}}
checksum/secrets: {{ toJson (index . 0).Values.secrets | sha256sum }}
{{- with index . 1 }}
{{ toYaml . }}
{{- end }}
{{- end }}
