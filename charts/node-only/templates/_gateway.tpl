{{/* The Gateway API: every port of a peer by one gateway. All charts share this file; a test compares them. */}}

{{- define "peer.gatewayName" -}}
{{ default (include "peer.name" .) .Values.proxy.gateway.name }}
{{- end }}

{{/* TLS of the manager passes through to it; a manager without TLS is a TCP port as the others. */}}
{{- define "peer.gatewayTmPasses" -}}
{{ if and (include "peer.tmPort" .) (not (has (lower (include "peer.tls" .)) (list "off"))) }}yes{{ end }}
{{- end }}

{{/* The TCP ports: [{what, port, target}]. */}}
{{- define "peer.gatewayTcp" -}}
{{- $all := list (dict "what" "quorum" "port" .Values.proxy.quorumport "target" .Values.node.ports.quorum) -}}
{{- if include "peer.raft" . -}}
{{- $all = append $all (dict "what" "raft" "port" .Values.proxy.portRaft "target" .Values.node.ports.raft) -}}
{{- end -}}
{{- if and (include "peer.tmPort" .) (not (include "peer.gatewayTmPasses" .)) -}}
{{- $all = append $all (dict "what" "tm" "port" (include "peer.tmPublicPort" . | int) "target" (include "peer.tmPort" . | int)) -}}
{{- end -}}
{{ $all | toJson }}
{{- end }}

{{/* {root, name, protocol, port, kind, hostname, tls} */}}
{{- define "peer.gatewayListener" -}}
- name: {{ .name }}
  protocol: {{ .protocol }}
  port: {{ .port }}
  {{- with .hostname }}
  hostname: {{ . | quote }}
  {{- end }}
  {{- with .tls }}
  tls:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  allowedRoutes:
    namespaces: {from: Same}
    kinds:
      - {group: gateway.networking.k8s.io, kind: {{ .kind }}}
{{- end }}

{{- define "peer.gatewayOwn" -}}
{{- $g := .Values.proxy.gateway -}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: {{ include "peer.name" . }}
  {{- include "peer.meta" . | nindent 2 }}
  {{- with $g.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  gatewayClassName: {{ required "proxy.gateway.className is missing: which implementation serves the gateway; or give the name of a gateway that is there" $g.className }}
  listeners:
    {{- range include "peer.gatewayTcp" . | fromJsonArray }}
    {{- include "peer.gatewayListener" (dict "name" .what "protocol" "TCP" "port" .port "kind" "TCPRoute") | nindent 4 }}
    {{- end }}
    {{- if include "peer.gatewayTmPasses" . }}
    {{- include "peer.gatewayListener" (dict "name" "tm" "protocol" "TLS" "port" (include "peer.tmPublicPort" .) "kind" "TLSRoute" "hostname" (include "peer.host" .) "tls" (dict "mode" "Passthrough")) | nindent 4 }}
    {{- end }}
    {{- if .Values.proxy.exposeRpc }}
    {{- if $g.rpcTlsSecret }}
    {{- include "peer.gatewayListener" (dict "name" "rpc" "protocol" "HTTPS" "port" .Values.proxy.rpcport "kind" "HTTPRoute" "hostname" (include "peer.rpcHost" .) "tls" (dict "mode" "Terminate" "certificateRefs" (list (dict "name" $g.rpcTlsSecret)))) | nindent 4 }}
    {{- else }}
    {{- include "peer.gatewayListener" (dict "name" "rpc" "protocol" "HTTP" "port" .Values.proxy.rpcport "kind" "HTTPRoute" "hostname" (include "peer.rpcHost" .)) | nindent 4 }}
    {{- end }}
    {{- end }}
{{- end }}

{{/* {root, kind, api, what, host, port} */}}
{{- define "peer.gatewayRoute" -}}
---
apiVersion: gateway.networking.k8s.io/{{ .api }}
kind: {{ .kind }}
metadata:
  name: {{ include "peer.name" .root }}-{{ .what }}
  {{- include "peer.meta" .root | nindent 2 }}
spec:
  parentRefs:
    - name: {{ include "peer.gatewayName" .root }}
      {{- with .root.Values.proxy.gateway.namespace }}
      namespace: {{ . }}
      {{- end }}
      sectionName: {{ get .root.Values.proxy.gateway.sections .what | default .what }}
  {{- with .host }}
  hostnames: [{{ . | quote }}]
  {{- end }}
  rules:
    - backendRefs:
        - {name: {{ include "peer.name" .root }}, port: {{ .port }}}
{{- end }}

{{- define "peer.gateway" -}}
{{- $root := . -}}
{{- $g := .Values.proxy.gateway -}}
{{- if not $g.name }}
{{ include "peer.gatewayOwn" . }}
{{- end }}
{{- range include "peer.gatewayTcp" . | fromJsonArray }}
{{ include "peer.gatewayRoute" (dict "root" $root "kind" "TCPRoute" "api" "v1alpha2" "what" .what "port" .target) }}
{{- end }}
{{- if include "peer.gatewayTmPasses" . }}
{{ include "peer.gatewayRoute" (dict "root" . "kind" "TLSRoute" "api" $g.tlsRouteApi "what" "tm" "host" (include "peer.host" .) "port" (include "peer.tmPort" .)) }}
{{- end }}
{{- if .Values.proxy.exposeRpc }}
{{ include "peer.gatewayRoute" (dict "root" . "kind" "HTTPRoute" "api" "v1" "what" "rpc" "host" (include "peer.rpcHost" .) "port" .Values.node.ports.rpc) }}
{{- end }}
{{- end }}
