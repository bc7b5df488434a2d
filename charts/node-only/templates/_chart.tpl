{{- define "peer.host" -}}
{{ include "peer.name" . }}.{{ required "proxy.external_url_suffix is missing: the organization's domain" .Values.proxy.external_url_suffix }}
{{- end }}

{{/* No transaction manager: what is empty here is left out. */}}
{{- define "peer.tmPort" -}}
{{- end }}

{{- define "peer.tmPublicPort" -}}
{{- end }}

{{- define "peer.v3TmKind" -}}
{{- end }}

{{- define "peer.pullSecret" -}}
{{ .Values.node.imagePullSecret }}
{{- end }}

{{- define "peer.certificatesArguments" -}}
[--manager=none, --keystore={{ .Values.node.keystore }}, --kv={{ .Values.vault.kvVersion }}, --node-secret={{ .Values.vault.keyname }}{{ with .Values.node.enode }}, --enode={{ . }}{{ end }}]
{{- end }}

{{- define "peer.morePorts" -}}
{{- end }}

{{- define "peer.ambassadorTm" -}}
{{- end }}

{{- define "peer.configuration" -}}
none
{{- end }}

{{- define "peer.tls" -}}
off
{{- end }}
