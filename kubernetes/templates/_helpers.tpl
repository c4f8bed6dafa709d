{{- /* The services, as services/common/topology.py has them. */ -}}
{{- define "lab.topology" -}}
{{ .Files.Get "files/topology.json" }}
{{- end -}}

{{- /* What every object of the lab is found by. */ -}}
{{- define "lab.labels" -}}
app.kubernetes.io/name: sre-failure-lab
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "lab.metadata" -}}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "lab.labels" . | nindent 2 }}
  app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .Release.Service }}
  helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- /* What the restricted standard wants of a pod. */ -}}
{{- define "lab.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false # FRONTEND_PORT=tcp://... is not the lab's FRONTEND_PORT
terminationGracePeriodSeconds: 4
{{- with .Values.images.pullSecrets }}
imagePullSecrets: [{{ range . }}{ name: {{ . }} }, {{ end }}]
{{- end }}
{{- end -}}

{{- define "lab.container" -}}
imagePullPolicy: {{ .Values.images.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{- /* A service's resources: its memory limit, what all have, and what it has of its own. Takes $ and a service. */ -}}
{{- define "lab.resources" -}}
{{- $memory := dict "limits" (dict "memory" .service.memory) -}}
{{- $own := index .root.Values.resourcesOf .service.name | default dict -}}
{{ mergeOverwrite $memory (deepCopy .root.Values.resources) (deepCopy $own) | toJson }}
{{- end -}}

{{- /* The names under which the control room may be asked for: a pod's network does not tell who is a neighbour. */ -}}
{{- define "lab.hosts" -}}
{{- $names := list "control-room" (printf "control-room.%s" .Release.Namespace) (printf "control-room.%s.svc" .Release.Namespace) -}}
{{- $names = concat $names .Values.hosts -}}
{{- if .Values.ingress.enabled }}{{ $names = append $names .Values.ingress.host }}{{ end -}}
{{ join " " $names }}
{{- end -}}
