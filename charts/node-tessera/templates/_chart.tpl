{{- define "peer.host" -}}
{{ required "proxy.external_url is missing: the peer's public name" .Values.proxy.external_url }}
{{- end }}

{{- define "peer.tmPort" -}}
{{ .Values.node.ports.tm }}
{{- end }}

{{- define "peer.tmPublicPort" -}}
{{ .Values.proxy.portTM }}
{{- end }}

{{- define "peer.v3TmKind" -}}
{{ if eq (include "peer.tls" .) "OFF" }}tm-plain{{ else }}tm{{ end }}
{{- end }}

{{- define "peer.pullSecret" -}}
{{ .Values.node.imagePullSecret }}
{{- end }}

{{- define "peer.certificatesArguments" -}}
[--manager=tessera, --keystore={{ .Values.node.keystore }}, --kv={{ .Values.vault.kvVersion }}, --node-secret={{ .Values.vault.keyname }}, --manager-secret={{ .Values.vault.tm_keyname }}{{ with .Values.vault.certsname }}, --certificate-secret={{ . }}{{ end }}{{ with .Values.node.enode }}, --enode={{ . }}{{ end }}]
{{- end }}

{{- define "peer.morePorts" -}}
- {name: tm-tessera-third-part, protocol: TCP, port: {{ .Values.node.ports.thirdparty }}, targetPort: {{ .Values.node.ports.thirdparty }}}
- {name: mysql-db, protocol: TCP, port: {{ .Values.node.ports.db }}, targetPort: {{ .Values.node.ports.db }}}
{{- end }}

{{/* YAML makes a boolean of a bare off. */}}
{{- define "peer.tls" -}}
{{- $tls := upper (toString .Values.tessera.tls) -}}
{{ if eq $tls "FALSE" }}OFF{{ else if eq $tls "TRUE" }}STRICT{{ else }}{{ $tls }}{{ end }}
{{- end }}

{{- define "peer.ambassadorTm" -}}
{{- $name := include "peer.name" . -}}
{{- if eq (include "peer.tls" .) "OFF" -}}
---
apiVersion: ambassador/v1
kind: TCPMapping
name: {{ $name }}-tm
port: {{ .Values.proxy.portTM }}
service: {{ $name }}.{{ include "peer.namespace" . }}:{{ .Values.node.ports.tm }}
{{- else -}}
---
apiVersion: ambassador/v1
kind: Mapping
name: {{ $name }}-tm
host: {{ include "peer.host" . }}:{{ .Values.proxy.portTM }}
prefix: /
host_rewrite: {{ $name }}-0.{{ $name }}.{{ include "peer.namespace" . }}.svc.cluster.local
service: https://{{ $name }}.{{ include "peer.namespace" . }}:{{ .Values.node.ports.tm }}
tls: {{ $name }}_mapping_tlscontext
---
apiVersion: ambassador/v1
kind: TLSContext
name: {{ $name }}_mapping_tlscontext
hosts:
- {{ include "peer.host" . }}
secret: {{ $name }}-ambassador-certs
{{- end }}
{{- end }}

{{/* The pod's own database by the loopback: its service leads nowhere before the pod is ready. */}}
{{- define "peer.databaseUrl" -}}
{{- $own := printf "//%s:" (include "peer.name" .) -}}
{{- if .Values.tessera.dburl -}}
{{ .Values.tessera.dburl | replace $own "//127.0.0.1:" }}
{{- else -}}
jdbc:mysql://127.0.0.1:{{ .Values.node.ports.db }}/{{ .Values.node.dbname }}
{{- end }}
{{- end }}

{{- define "peer.tmServers" -}}
{{- $root := .Values.node.mountPath -}}
{{- $tls := include "peer.tls" . -}}
{{- $trust := upper .Values.tessera.trust | replace "-" "_" -}}
{{- $scheme := ternary "http" "https" (eq $tls "OFF") -}}
{{- $ssl := dict "tls" $tls -}}
{{- if ne $tls "OFF" -}}
{{- $own := ne .Values.vault.certsname "" -}}
{{- $at := ternary (printf "%s/crypto/keys/tls" $root) (printf "%s/tm/tls" $root) $own -}}
{{- $ssl = dict "tls" "STRICT" "generateKeyStoreIfNotExisted" (not $own) "serverTrustMode" $trust "clientTrustMode" $trust
    "serverTlsKeyPath" (printf "%s.key" $at) "serverTlsCertificatePath" (printf "%s.pem" $at)
    "clientTlsKeyPath" (printf "%s.key" $at) "clientTlsCertificatePath" (printf "%s.pem" $at)
    "knownClientsFile" (printf "%s/tm/knownClients" $root) "knownServersFile" (printf "%s/tm/knownServers" $root) -}}
{{- if include "peer.authorities" . -}}
{{- $bundle := list (printf "%s/genesis/authorities.pem" $root) -}}
{{- $ssl = merge $ssl (dict "serverTrustCertificates" $bundle "clientTrustCertificates" $bundle) -}}
{{- end -}}
{{- end -}}
{{- $q2t := dict "app" "Q2T" "serverAddress" (printf "unix:%s/tm/tm.ipc" $root) "communicationType" "REST" -}}
{{- $third := printf "http://%s:%v" (include "peer.name" .) .Values.node.ports.thirdparty -}}
{{- $p2p := dict "app" "P2P" "serverAddress" (required "tessera.url is missing" .Values.tessera.url) "communicationType" "REST" "sslConfig" $ssl
    "bindingAddress" (printf "%s://0.0.0.0:%v" $scheme .Values.node.ports.tm) -}}
{{ list (dict "app" "ThirdParty" "serverAddress" $third "communicationType" "REST" "bindingAddress" (printf "http://0.0.0.0:%v" .Values.node.ports.thirdparty)) $q2t $p2p | toJson }}
{{- end }}

{{- define "peer.configuration" -}}
{{- $root := .Values.node.mountPath -}}
{{- $keys := dict "passwords" list "keyData" (list (dict "privateKeyPath" (printf "%s/crypto/keys/tm.key" $root) "publicKeyPath" (printf "%s/crypto/keys/tm.pub" $root))) -}}
{{- $jdbc := dict "username" .Values.tessera.dbusername "passwordFile" (printf "%s/crypto/keys/password" $root) "url" (include "peer.databaseUrl" .) "autoCreateTables" true -}}
{{- $config := dict "useWhiteList" (eq (upper .Values.tessera.trust) "WHITELIST") "jdbc" $jdbc "serverConfigs" (include "peer.tmServers" . | fromJsonArray)
    "peer" .Values.tessera.othernodes "keys" $keys "alwaysSendTo" list -}}
{{ mergeOverwrite $config (deepCopy .Values.tessera.extraConfiguration) | toPrettyJson }}
{{- end }}
