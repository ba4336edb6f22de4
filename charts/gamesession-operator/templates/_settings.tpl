{{/* One of gateway.settings, as the environment has it. */}}
{{- define "gamesession.setting" -}}
{{- if kindIs "slice" . }}{{ join "," . }}
{{- else if kindIs "float64" . }}{{ int64 . }}
{{- else }}{{ . }}
{{- end }}
{{- end -}}

{{/* How many seconds gateways get to end: the settings' shutdownDelay and shutdownGrace, and 15 s
more (docs/configuration.md). */}}
{{- define "gamesession.gracePeriod" -}}
{{- $settings := .Values.gateway.settings -}}
{{- $units := dict "ms" 0.001 "s" 1 "m" 60 "h" 3600 -}}
{{- $seconds := 15.0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" (print ($settings.shutdownDelay | default "5s") ($settings.shutdownGrace | default "20s")) -1 -}}
{{- $seconds = addf $seconds (mulf (regexFind "[0-9]+" . | float64) (get $units (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- ceil $seconds | int64 -}}
{{- end -}}
