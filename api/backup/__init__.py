"""Back up and restore the whole state: one archive, a hash for every file, and all of it or nothing.

`write_backup` copies what an installation keeps while it is in use; `restore_backup` checks every byte in a
folder beside the state and puts it in its place by one rename.
"""

from api.backup.manifest import BackupManifest
from api.backup.restore import RestoreReport, restore_backup
from api.backup.write import BackupReport, write_backup

__all__ = ["BackupManifest", "BackupReport", "RestoreReport", "restore_backup", "write_backup"]
