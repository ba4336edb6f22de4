"""The group, kinds, labels, annotations and environment that outsiders may rely on."""

from __future__ import annotations

from typing import Final

GROUP: Final = "gamelibrary.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

GAME_LABEL: Final = f"{GROUP}/game"
SESSION_LABEL: Final = f"{GROUP}/session"
ROLE_LABEL: Final = f"{GROUP}/role"
START_LABEL: Final = f"{GROUP}/start"
TEMPLATE_HASH_LABEL: Final = f"{GROUP}/template-hash"
CLIENT_LABEL: Final = f"{GROUP}/client"

ROLE_SESSION: Final = "session"
ROLE_WARM: Final = "warm"

PLAYER_ANNOTATION: Final = f"{GROUP}/player"
"""On a session's pod: the derived name of its (game, user), whatever the session is called. By it
the next life finds a pod that is still saving its state; it holds a hash and no user name."""

PORTS_ANNOTATION: Final = f"{GROUP}/ports"
"""On pods of ours: where their services listen, `<service>=<port>,…`. A pod that waits for a user
may outlive an edit of its Game's ports."""

SAFE_TO_EVICT_ANNOTATION: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"

GAME_ENV: Final = "GAMESESSION_GAME"
POD_UID_ENV: Final = "GAMESESSION_POD_UID"
