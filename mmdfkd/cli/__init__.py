"""The commands, a file each; tools/ has a script of every one, and no code of its own.

``mmdfkd_command.py``, beside the package, gives them as subcommands of ``mmdfkd``.
"""
