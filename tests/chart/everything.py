"""Values that turn on all that the chart has."""

from __future__ import annotations

from typing import Any, Final

GAMES: Final = "shop-games"
MORE_GAMES: Final = "shop-more-games"
MONITORING: Final = "monitoring"
BACK_ENDS: Final = "back-ends"
ADDED: Final[dict[str, Any]] = {
    "podAnnotations": {"example.com/note": "a: b # c"},
    "podLabels": {"example.com/team": "arcade"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "system", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 1,
                    "preference": {"matchExpressions": [{"key": "spot", "operator": "Exists"}]},
                }
            ]
        }
    },
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/part-of": "gamesession"}},
        }
    ],
    "priorityClassName": "system-cluster-critical",
    "env": [
        {"name": "TZ", "value": "UTC"},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ],
}
"""What operator and gateway have alike."""

EVERYTHING: Final[dict[str, Any]] = {
    "image": {"repository": "registry:5000/a/b", "tag": "1.2.3", "digest": "sha256:" + "0a" * 32},
    "imagePullSecrets": [{"name": "registry"}],
    "games": {
        "namespaces": [GAMES, MORE_GAMES],
        "serviceAccount": {"create": True, "annotations": {"example.com/identity": "game"}},
        "resourceQuota": {"pods": 500, "requests.memory": "64Gi"},
    },
    "operator": {**ADDED, "allowPrivilegedTemplates": True, "replicas": 3},
    "gateway": {
        **ADDED,
        "namespace": MORE_GAMES,
        "autoscaling": {"enabled": True, "minReplicas": 3, "maxReplicas": 20},
        "tokens": {"algorithm": "RS256", "publicKey": {"name": "issuer", "key": "key.pem"}},
        "settings": {"hold": "1m", "maxBodyBytes": 104857600, "allowedOrigins": ["https://a.b"]},
        "extraVolumes": [{"name": "authorities", "configMap": {"name": "authorities"}}],
        "extraVolumeMounts": [{"name": "authorities", "mountPath": "/etc/authorities"}],
        "service": {"type": "LoadBalancer", "port": 8443, "annotations": {"example.com/lb": "x"}},
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "annotations": {"nginx.ingress.kubernetes.io/proxy-read-timeout": "3600"},
            "hosts": ["play.example.com", "*.play.example.com"],
            "tls": [{"secretName": "play-tls", "hosts": ["play.example.com"]}],
        },
        "httpRoute": {
            "enabled": True,
            "annotations": {"example.com/route": "x"},
            "parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "https"}],
            "hostnames": ["play.example.com"],
        },
    },
    "client": {
        "subjects": [{"kind": "ServiceAccount", "name": "back-end", "namespace": BACK_ENDS}]
    },
    "networkPolicy": {
        "clientNamespaces": [BACK_ENDS],
        "metricsNamespaces": [MONITORING],
        "games": {
            "extraEgress": [
                {"to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}], "ports": [{"port": 5432}]}
            ]
        },
    },
    "metrics": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
        "dashboard": {"enabled": True},
    },
}
