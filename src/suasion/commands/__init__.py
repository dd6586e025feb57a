"""The commands, one file a group: flags and wiring, nothing else; `suasion.cli` hooks them up."""
