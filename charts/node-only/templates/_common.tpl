{{/* What all charts share; the files are the same, a test compares them. What differs is in _chart.tpl. */}}

{{- define "peer.name" -}}
{{ required "node.name is missing: the peer's name" .Values.node.name }}
{{- end }}

{{- define "peer.namespace" -}}
{{ default .Release.Namespace .Values.metadata.namespace }}
{{- end }}

{{- define "peer.raft" -}}
{{ if eq .Values.node.consensus "raft" }}yes{{ end }}
{{- end }}

{{/* Never in a selector: the version changes, a selector must not. */}}
{{- define "peer.labels" -}}
app.kubernetes.io/name: {{ include "peer.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: quorate
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.metadata.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "peer.selector" -}}
app: consortiumchain
service.rpc: {{ include "peer.name" . }}
{{- end }}

{{- define "peer.meta" -}}
namespace: {{ include "peer.namespace" . }}
labels:
  {{- include "peer.labels" . | nindent 2 }}
{{- end }}

{{- define "peer.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Whose certificates the manager trusts, and its own certificate from the vault: of both or of neither. */}}
{{- define "peer.authorities" -}}
{{- $m := default dict (default .Values.tessera .Values.constellation) -}}
{{- $list := default list $m.authorities -}}
{{- if and $list (not .Values.vault.certsname) -}}
{{- fail "authorities are given, and vault.certsname is not: the manager needs a certificate that they signed" -}}
{{- end -}}
{{ join "" $list }}
{{- end }}

{{- define "peer.authoritiesMount" -}}
{{- if include "peer.authorities" . -}}
- {name: {{ include "peer.name" . }}-genesis-volume, mountPath: {{ .Values.node.mountPath }}/genesis, readOnly: true}
{{- end }}
{{- end }}

{{- define "peer.genesis" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: genesis-{{ include "peer.name" . }}
  {{- include "peer.meta" . | nindent 2 }}
data:
  genesis.json.base64: {{ required "genesis is missing: base64 of the genesis file" .Values.genesis | quote }}
  static-nodes.json: {{ toPrettyJson (default list .Values.staticnodes) | quote }}
  {{- with include "peer.authorities" . }}
  authorities.pem: {{ . | quote }}
  {{- end }}
{{- end }}

{{- define "peer.service" -}}
{{- $name := include "peer.name" . -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  {{- include "peer.meta" . | nindent 2 }}
  {{- if and (eq .Values.proxy.provider "ambassador") (eq .Values.proxy.ambassadorApi "annotation") }}
  annotations:
    app: consortiumchain
    version: "1"
    getambassador.io/config: |
      {{- include "peer.ambassadorAnnotation" . | nindent 6 }}
  {{- end }}
spec:
  type: {{ .Values.node.servicetype }}
  # Peers must find each other before they are ready, or none ever is.
  publishNotReadyAddresses: true
  selector:
    {{- include "peer.selector" . | nindent 4 }}
  ports:
    - {name: wsrpc-listener, protocol: TCP, port: {{ .Values.node.ports.rpc }}, targetPort: {{ .Values.node.ports.rpc }}}
    {{- if include "peer.raft" . }}
    - {name: raft, protocol: TCP, port: {{ .Values.node.ports.raft }}, targetPort: {{ .Values.node.ports.raft }}}
    {{- end }}
    {{- if include "peer.tmPort" . }}
    - {name: tm-manager, protocol: TCP, port: {{ include "peer.tmPort" . }}, targetPort: {{ include "peer.tmPort" . }}}
    {{- end }}
    - {name: quorum-listener, protocol: TCP, port: {{ .Values.node.ports.quorum }}, targetPort: {{ .Values.node.ports.quorum }}}
    {{- include "peer.morePorts" . | nindent 4 }}
{{- end }}

{{/* Ambassador 0.x and 1.x read this annotation. */}}
{{- define "peer.ambassadorAnnotation" -}}
{{- $name := include "peer.name" . -}}
{{- $target := printf "%s.%s" $name (include "peer.namespace" .) -}}
---
apiVersion: ambassador/v1
kind: TCPMapping
name: {{ $name }}-tcp
port: {{ .Values.proxy.quorumport }}
service: {{ $target }}:{{ .Values.node.ports.quorum }}
{{- if .Values.proxy.exposeRpc }}
---
apiVersion: ambassador/v1
kind: TCPMapping
name: {{ $name }}-rpc
port: {{ .Values.proxy.rpcport }}
service: {{ $target }}:{{ .Values.node.ports.rpc }}
{{- end }}
{{- if include "peer.raft" . }}
---
apiVersion: ambassador/v1
kind: TCPMapping
name: {{ $name }}-raft
port: {{ .Values.proxy.portRaft }}
service: {{ $target }}:{{ .Values.node.ports.raft }}
{{- end }}
{{ include "peer.ambassadorTm" . }}
{{- end }}

{{/* Ambassador 2.x and 3.x: a listener and a mapping for each TCP port. {root, what, port, target}. */}}
{{- define "peer.v3Tcp" -}}
---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata:
  name: {{ include "peer.name" .root }}-{{ .what }}
  {{- include "peer.meta" .root | nindent 2 }}
spec:
  port: {{ .port }}
  protocol: {{ if eq .what "tm" }}TLS{{ else }}TCP{{ end }}
  securityModel: XFP
  hostBinding:
    namespace:
      from: SELF
---
apiVersion: getambassador.io/v3alpha1
kind: TCPMapping
metadata:
  name: {{ include "peer.name" .root }}-{{ .what }}
  {{- include "peer.meta" .root | nindent 2 }}
spec:
  port: {{ .port }}
  {{- if eq .what "tm" }}
  host: {{ include "peer.host" .root }}
  {{- end }}
  service: {{ include "peer.name" .root }}.{{ include "peer.namespace" .root }}:{{ .target }}
{{- end }}

{{- define "peer.proxy" -}}
{{- $ranges := include "peer.sourceRanges" . -}}
{{- if and (eq .Values.proxy.provider "ambassador") (eq .Values.proxy.ambassadorApi "v3alpha1") -}}
{{ include "peer.v3Tcp" (dict "root" . "what" "tcp" "port" .Values.proxy.quorumport "target" .Values.node.ports.quorum) }}
{{- if .Values.proxy.exposeRpc }}
{{ include "peer.v3Tcp" (dict "root" . "what" "rpc" "port" .Values.proxy.rpcport "target" .Values.node.ports.rpc) }}
{{- end }}
{{- if include "peer.raft" . }}
{{ include "peer.v3Tcp" (dict "root" . "what" "raft" "port" .Values.proxy.portRaft "target" .Values.node.ports.raft) }}
{{- end }}
{{- if include "peer.tmPort" . }}
{{ include "peer.v3Tcp" (dict "root" . "what" (include "peer.v3TmKind" .) "port" (include "peer.tmPublicPort" .) "target" (include "peer.tmPort" .)) }}
{{- end }}
{{- else if eq .Values.proxy.provider "ingress" -}}
{{ include "peer.ingress" . }}
{{- else if eq .Values.proxy.provider "gateway" -}}
{{ include "peer.gateway" . }}
{{- end }}
{{- end }}

{{/* Elsewhere the ranges would restrict nothing, and seem to. */}}
{{- define "peer.sourceRanges" -}}
{{- with .Values.proxy.sourceRanges -}}
{{- if or (ne $.Values.proxy.provider "ingress") (ne $.Values.proxy.p2pServiceType "LoadBalancer") -}}
{{- fail "proxy.sourceRanges needs proxy.provider ingress and p2pServiceType LoadBalancer: give them to your proxy's own service" -}}
{{- end -}}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* {root, name, host, port, annotations, tlsSecret, passthrough} */}}
{{- define "peer.ingressOne" -}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .name }}
  {{- include "peer.meta" .root | nindent 2 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .root.Values.proxy.ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if .tls }}
  tls:
    - hosts: [{{ .host | quote }}]
      {{- with .tlsSecret }}
      secretName: {{ . }}
      {{- end }}
  {{- end }}
  rules:
    - host: {{ .host | quote }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {{ include "peer.name" .root }}
                port:
                  number: {{ .port }}
{{- end }}

{{- define "peer.ingress" -}}
{{- $name := include "peer.name" . -}}
{{- $i := .Values.proxy.ingress -}}
{{- if include "peer.tmPort" . }}
{{ include "peer.ingressOne" (dict "root" . "name" (printf "%s-tm" $name) "host" (include "peer.host" .) "port" (include "peer.tmPort" .) "annotations" $i.annotations "tls" true) }}
{{- end }}
{{- if .Values.proxy.exposeRpc }}
{{ include "peer.ingressOne" (dict "root" . "name" (printf "%s-rpc" $name) "host" (include "peer.rpcHost" .) "port" .Values.node.ports.rpc "annotations" $i.rpcAnnotations "tls" (ne $i.rpcTlsSecret "") "tlsSecret" $i.rpcTlsSecret) }}
{{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}-p2p
  {{- include "peer.meta" . | nindent 2 }}
spec:
  type: {{ .Values.proxy.p2pServiceType }}
  {{- if ne .Values.proxy.p2pServiceType "ClusterIP" }}
  externalTrafficPolicy: Local
  {{- end }}
  {{- with include "peer.sourceRanges" . }}
  loadBalancerSourceRanges:
    {{- . | nindent 4 }}
  {{- end }}
  publishNotReadyAddresses: true
  selector:
    {{- include "peer.selector" . | nindent 4 }}
  ports:
    - {name: quorum-listener, protocol: TCP, port: {{ .Values.proxy.quorumport }}, targetPort: {{ .Values.node.ports.quorum }}}
    {{- if include "peer.raft" . }}
    - {name: raft, protocol: TCP, port: {{ .Values.proxy.portRaft }}, targetPort: {{ .Values.node.ports.raft }}}
    {{- end }}
{{- end }}

{{/* carrier.example.com -> carrierrpc.example.com */}}
{{- define "peer.rpcHost" -}}
{{- $host := include "peer.host" . -}}
{{ printf "%srpc.%s" (splitList "." $host | first) (splitList "." $host | rest | join ".") }}
{{- end }}

{{/* Nothing comes in but what a peer has to be reached by; the database and the manager's own clients stay inside. */}}
{{- define "peer.networkPolicy" -}}
{{- if .Values.networkPolicy.enabled -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "peer.name" . }}
  {{- include "peer.meta" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "peer.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports:
        - {protocol: TCP, port: {{ .Values.node.ports.quorum }}}
        {{- if include "peer.tmPort" . }}
        - {protocol: TCP, port: {{ include "peer.tmPort" . }}}
        {{- end }}
        {{- if include "peer.raft" . }}
        - {protocol: TCP, port: {{ .Values.node.ports.raft }}}
        {{- end }}
        {{- if .Values.networkPolicy.publicRpc }}
        - {protocol: TCP, port: {{ .Values.node.ports.rpc }}}
        {{- end }}
    {{- with .Values.networkPolicy.rpcFrom }}
    - ports:
        - {protocol: TCP, port: {{ $.Values.node.ports.rpc }}}
      from:
        {{- toYaml . | nindent 8 }}
    {{- end }}
  egress:
    - ports: # names
        - {protocol: UDP, port: 53}
        - {protocol: TCP, port: 53}
    - to: # other peers, wherever they are, and the vault
        - ipBlock: {cidr: {{ .Values.vault.egressCidr | quote }}}
{{- end }}
{{- end }}

{{- define "peer.disruption" -}}
{{- if .Values.disruption.enabled -}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "peer.name" . }}
  {{- include "peer.meta" . | nindent 2 }}
spec:
  maxUnavailable: {{ .Values.disruption.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "peer.selector" . | nindent 6 }}
{{- end }}
{{- end }}

{{/* The account's token is in certificates-init alone, and not longer than that needs it. */}}
{{- define "peer.certificatesInit" -}}
- name: certificates-init
  image: {{ .Values.images.alpineutils | quote }}
  imagePullPolicy: {{ .Values.images.pullPolicy }}
  command: [quorate-init, certificates]
  args: {{ include "peer.certificatesArguments" . }}
  env:
    - {name: VAULT_ADDR, value: {{ required "vault.address is missing" .Values.vault.address | quote }}}
    - {name: VAULT_SECRET_PREFIX, value: {{ required "vault.secretprefix is missing" .Values.vault.secretprefix | quote }}}
    - {name: KUBERNETES_AUTH_PATH, value: {{ required "vault.authpath is missing" .Values.vault.authpath | quote }}}
    - {name: VAULT_APP_ROLE, value: {{ .Values.vault.role | quote }}}
    - {name: MOUNT_PATH, value: /secret}
    {{- if .Values.vault.caConfigMap }}
    - {name: VAULT_CACERT, value: /vault-ca/ca.crt}
    {{- end }}
    {{- if .Values.vault.allowPlainHttp }}
    - {name: VAULT_ALLOW_PLAIN_HTTP, value: "true"}
    {{- end }}
  resources:
    {{- toYaml .Values.resources.init | nindent 4 }}
  securityContext:
    {{- include "peer.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - {name: certificates, mountPath: /secret}
    - {name: vault-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
    {{- if .Values.vault.caConfigMap }}
    - {name: vault-ca, mountPath: /vault-ca, readOnly: true}
    {{- end }}
{{- end }}

{{- define "peer.genesisInit" -}}
{{- $root := .Values.node.mountPath -}}
- name: quorum-genesis-init-container
  image: {{ .Values.images.node | quote }}
  imagePullPolicy: {{ .Values.images.pullPolicy }}
  command: [quorate-init, genesis]
  args:
    - --datadir={{ $root }}/dd
    - --genesis={{ $root }}/genesis/genesis.json.base64
    - --static-nodes={{ $root }}/genesis/static-nodes.json
  env:
    - {name: QUORUM_DATA_DIR, value: {{ $root }}/dd}
    - {name: QHOME, value: {{ $root }}}
  resources:
    {{- toYaml .Values.resources.init | nindent 4 }}
  securityContext:
    {{- include "peer.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - {name: {{ include "peer.name" . }}-pv, mountPath: {{ $root }}}
    - {name: {{ include "peer.name" . }}-genesis-volume, mountPath: {{ $root }}/genesis}
{{- end }}

{{- define "peer.node" -}}
{{- $root := .Values.node.mountPath -}}
{{- $n := .Values.node -}}
- name: quorum
  image: {{ .Values.images.node | quote }}
  imagePullPolicy: {{ .Values.images.pullPolicy }}
  # The manager first: a node that cannot reach it would end.
  command: [quorate-init, run]
  args:
    {{- if include "peer.tmPort" . }}
    - --wait=unix:{{ $root }}/tm/tm.ipc
    {{- end }}
    - --
    - quorate-node
    - --datadir={{ $root }}/dd
    - --nodekey={{ $root }}/crypto/keys/nodekey
    - --keystore={{ $root }}/crypto/keys
    {{- with $n.subject }}
    - {{ printf "--identity=%s" . | quote }}
    {{- end }}
    - --networkid={{ $n.networkid | int }}
    - --syncmode=full
    - --gcmode={{ $n.gcmode }}
    - --nodiscover
    - --nat=none
    - --verbosity={{ $n.verbosity }}
    - --emitcheckpoints
    - --port={{ $n.ports.quorum }}
    - --http
    - --http.addr=0.0.0.0
    - --http.port={{ $n.ports.rpc }}
    - --http.vhosts=*
    - {{ printf "--http.api=%s" $n.rpcapi | quote }}
    {{- if include "peer.raft" . }}
    - --raft
    - --raftdnsenable
    - --raftport={{ $n.ports.raft }}
    {{- if eq $n.status "additional" }}
    - --raftjoinexisting={{ required "node.peer_id is missing: the id that raft_addPeer gave" $n.peer_id }}
    {{- end }}
    {{- else }}
    {{- if $n.mine }}
    - --mine
    {{- end }}
    - --istanbul.blockperiod=3
    {{- end }}
    {{- if eq (toString $n.lock) "false" }}
    - --unlock=0
    - --allow-insecure-unlock
    - --password={{ $root }}/crypto/keys/passwords.txt
    {{- end }}
    {{- range $n.extraArguments }}
    - {{ . | quote }}
    {{- end }}
  env:
    - {name: PRIVATE_CONFIG, value: {{ if include "peer.tmPort" . }}{{ $root }}/tm/tm.ipc{{ else }}ignore{{ end }}}
    - {name: QUORUM_DATA_DIR, value: {{ $root }}/dd}
    - {name: QUORUM_HOME, value: {{ $root }}}
    - {name: QHOME, value: {{ $root }}}
    - {name: TM_HOME, value: {{ $root }}/tm/}
    - {name: CONSENSUS, value: {{ $n.consensus }}}
  ports:
    - {containerPort: {{ $n.ports.rpc }}}
    - {containerPort: {{ $n.ports.quorum }}}
    {{- if include "peer.raft" . }}
    - {containerPort: {{ $n.ports.raft }}}
    {{- end }}
  startupProbe: # a long chain is looked through before requests are answered
    tcpSocket: {port: {{ $n.ports.rpc }}}
    periodSeconds: 5
    failureThreshold: 360
  readinessProbe:
    httpGet: {path: /, port: {{ $n.ports.rpc }}}
    periodSeconds: 10
    timeoutSeconds: 5
  livenessProbe:
    tcpSocket: {port: {{ $n.ports.rpc }}}
    periodSeconds: 20
    failureThreshold: 6
    timeoutSeconds: 5
  resources:
    {{- toYaml .Values.resources.node | nindent 4 }}
  securityContext:
    {{- include "peer.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - {name: certificates, mountPath: {{ $root }}/crypto/}
    - {name: {{ include "peer.name" . }}-pv, mountPath: {{ $root }}}
{{- end }}

{{- define "peer.volumes" -}}
- name: certificates
  emptyDir: {medium: Memory, sizeLimit: 16Mi}
- name: {{ include "peer.name" . }}-genesis-volume
  configMap:
    name: genesis-{{ include "peer.name" . }}
    items:
      - {key: genesis.json.base64, path: genesis.json.base64}
      - {key: static-nodes.json, path: static-nodes.json}
      {{- if include "peer.authorities" . }}
      - {key: authorities.pem, path: authorities.pem}
      {{- end }}
- name: vault-token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 600}
{{- with .Values.vault.caConfigMap }}
- name: vault-ca
  configMap:
    name: {{ . }}
{{- end }}
{{- end }}

{{- define "peer.claim" -}}
- metadata:
    name: {{ .name }}
  spec:
    {{- with .root.Values.storage.storageclassname }}
    storageClassName: {{ . }}
    {{- end }}
    accessModes: [ReadWriteOnce]
    resources:
      requests:
        storage: {{ .size }}
{{- end }}

{{/* The pod's frame; containers, volumes and claims are the chart's. */}}
{{- define "peer.statefulSetHead" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ include "peer.name" . }}
  {{- include "peer.meta" . | nindent 2 }}
spec:
  serviceName: {{ include "peer.name" . }}
  {{- if ne (int .Values.replicaCount) 1 }}
  {{- fail "replicaCount must be 1: two pods with one node key are never right" }}
  {{- end }}
  replicas: 1
  updateStrategy:
    type: RollingUpdate
  selector:
    matchLabels:
      {{- include "peer.selector" . | nindent 6 }}
{{- end }}

{{- define "peer.podHead" -}}
metadata:
  labels:
    {{- include "peer.selector" . | nindent 4 }}
    name: {{ include "peer.name" . }}
    {{- include "peer.labels" . | nindent 4 }}
  annotations:
    quorate/configuration: {{ include "peer.configuration" . | sha256sum }}
    {{- with .Values.vault.certsmark }}
    quorate/certificate: {{ . | quote }}
    {{- end }}
spec:
  hostname: {{ include "peer.name" . }}
  serviceAccountName: {{ .Values.vault.serviceaccountname }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with include "peer.pullSecret" . }}
  imagePullSecrets:
    - name: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  securityContext:
    runAsNonRoot: true
    runAsUser: {{ .Values.securityContext.runAsUser }}
    runAsGroup: {{ .Values.securityContext.runAsGroup }}
    fsGroup: {{ .Values.securityContext.fsGroup }}
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.affinity }}
  affinity:
    {{- toYaml .Values.affinity | nindent 4 }}
  {{- else if .Values.spread }}
  affinity: # a node that is drained takes as few peers of a network with it as can be, whose-ever they are
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 50
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            namespaceSelector: {}
            labelSelector:
              matchLabels: {app: consortiumchain}
        - weight: 100 # and first of all, not all peers of one organization
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels: {app: consortiumchain}
  {{- end }}
{{- end }}
