{{- define "peer.host" -}}
{{ include "peer.name" . }}.{{ required "proxy.external_url_suffix is missing: the organization's domain" .Values.proxy.external_url_suffix }}
{{- end }}

{{- define "peer.tmPort" -}}
{{ .Values.node.ports.constellation }}
{{- end }}

{{- define "peer.tmPublicPort" -}}
{{ .Values.proxy.portConst }}
{{- end }}

{{- define "peer.v3TmKind" -}}
const
{{- end }}

{{- define "peer.pullSecret" -}}
{{ .Values.node.imagepullsecret }}
{{- end }}

{{- define "peer.certificatesArguments" -}}
[--manager=constellation, --keystore={{ .Values.node.keystore }}, --kv={{ .Values.vault.kvVersion }}, --node-secret={{ .Values.vault.keyname }}, --manager-secret={{ .Values.vault.tm_keyname }}{{ with .Values.vault.certsname }}, --certificate-secret={{ . }}{{ end }}{{ with .Values.node.enode }}, --enode={{ . }}{{ end }}]
{{- end }}

{{- define "peer.morePorts" -}}
{{- end }}

{{- define "peer.ambassadorTm" -}}
---
apiVersion: ambassador/v1
kind: TCPMapping
name: {{ include "peer.name" . }}-const
port: {{ .Values.proxy.portConst }}
service: {{ include "peer.name" . }}.{{ include "peer.namespace" . }}:{{ .Values.node.ports.constellation }}
{{- end }}

{{- define "peer.othernodes" -}}
{{- if kindIs "slice" .Values.constellation.othernodes -}}
{{ join "," .Values.constellation.othernodes }}
{{- else -}}
{{ .Values.constellation.othernodes }}
{{- end }}
{{- end }}

{{- define "peer.tls" -}}
{{- $tls := lower (toString .Values.constellation.tls) -}}
{{ if eq $tls "false" }}off{{ else if eq $tls "true" }}strict{{ else }}{{ $tls }}{{ end }}
{{- end }}

{{/* The manager's arguments are all of its configuration. */}}
{{- define "peer.configuration" -}}
{{- $root := .Values.node.mountPath -}}
{{- $c := .Values.constellation -}}
- {{ printf "--url=%s" (required "constellation.url is missing" $c.url) | quote }}
- --port={{ .Values.node.ports.constellation }}
- {{ printf "--storage=%s" $c.storage | quote }}
- --workdir={{ $root }}/tm
- --socket={{ $root }}/tm/tm.ipc
- --publickeys={{ $root }}/crypto/keys/tm.pub
- --privatekeys={{ $root }}/crypto/keys/tm.key
- --verbosity=2
- --tls={{ include "peer.tls" . }}
- --tlsservertrust={{ lower $c.trust | replace "_" "-" }}
- --tlsclienttrust={{ lower $c.trust | replace "_" "-" }}
{{- if .Values.vault.certsname }}
- --tlsservercert={{ $root }}/crypto/keys/tls.pem
- --tlsserverkey={{ $root }}/crypto/keys/tls.key
- --tlsclientcert={{ $root }}/crypto/keys/tls.pem
- --tlsclientkey={{ $root }}/crypto/keys/tls.key
{{- end }}
{{- if include "peer.authorities" . }}
- --tlsserverchain={{ $root }}/genesis/authorities.pem
- --tlsclientchain={{ $root }}/genesis/authorities.pem
{{- end }}
{{- with include "peer.othernodes" . }}
- {{ printf "--othernodes=%s" . | quote }}
{{- end }}
{{- end }}
