"""What a source hands over, and the sources that there are; `named.source_named` opens one."""
