{{/* Everything is named after the release: `<release>-operator`, `<release>-gateway`, … */}}
{{- define "gamesession.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels of one component. Takes a dict: root, component. */}}
{{- define "gamesession.selector" -}}
app.kubernetes.io/name: gamesession-{{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- end -}}

{{- define "gamesession.labels" -}}
{{ include "gamesession.selector" . }}
{{ include "gamesession.common" .root }}
{{- end -}}

{{- define "gamesession.common" -}}
app.kubernetes.io/part-of: gamesession
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "gamesession.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}
{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The namespace that the gateway serves. */}}
{{- define "gamesession.served" -}}
{{- .Values.gateway.namespace | default (first .Values.games.namespaces) -}}
{{- end -}}

{{/* What only our own pods have: no root, nothing to write to, no rights of the kernel's. */}}
{{- define "gamesession.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "gamesession.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end -}}

{{- define "gamesession.probes" -}}
livenessProbe:
  httpGet:
    path: /healthz
    port: admin
  periodSeconds: 10
  failureThreshold: 3
readinessProbe:
  httpGet:
    path: /readyz
    port: admin
  periodSeconds: 2
startupProbe:
  httpGet:
    path: /healthz
    port: admin
  periodSeconds: 1
  failureThreshold: 60
{{- end -}}

{{/* The nodes that pods may run on. Takes the values of a component. */}}
{{- define "gamesession.nodes" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Where a component's pods run. Takes a dict: root, component, values. */}}
{{- define "gamesession.placement" -}}
{{- include "gamesession.nodes" .values }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
topologySpreadConstraints:
{{- if .values.topologySpreadConstraints }}
  {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
{{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "gamesession.selector" . | nindent 8 }}
{{- end }}
{{- end -}}

{{/* The token of a service account is a right: a pod that needs none has none. */}}
{{- define "gamesession.account" -}}
{{ include "gamesession.name" .root }}-{{ .component }}
{{- end -}}

{{/* A selector of namespaces by their names. */}}
{{- define "gamesession.namespaces" -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: In
    values:
      {{- toYaml . | nindent 6 }}
{{- end -}}
