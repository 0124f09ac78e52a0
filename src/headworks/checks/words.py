"""What must not be in a public repository: addresses of package registries, paths of somebody's machine, unfinished work."""

from __future__ import annotations

import re

from headworks.checks.tree import Finding, Tree

TEXT = (".py", ".pyi", ".ts", ".tsx", ".js", ".mjs", ".css", ".html", ".sql", ".sh", ".md", ".txt", ".csv")
CONFIG = (".toml", ".yaml", ".yml", ".json", ".in", ".cfg", ".ini", ".lock", ".service")
NAMED = ("Makefile", "Dockerfile", "LICENSE", ".ci/run", ".importlinter", ".gitignore", ".npmrc")
CODE = (".py", ".ts", ".tsx", ".mjs", ".sh", ".css", "Makefile")

# Each pattern is written so that it does not match itself.
REGISTRY = re.compile(
    r"https?://[\w.-]*(?:pypi|pythonhosted|npmjs|npmmirror|registry|mirrors?|artifactory|nexus|index)[\w.-]*[:/]"
    r"|(?:files\.python[h]osted|registry\.np[m]js|(?<![\w.-])py[p]i)\.org"
    r"|--(?:extra-)?index-[u]rl[ =]"
    r'|"resolve[d]"\s*:\s*"https?:',
    re.IGNORECASE,
)
MACHINE = re.compile(
    r"(?<![\w.~$}*/-])/(?:roo[t]|hom[e]/\w+|User[s]/\w+|wor[k]|worksp[a]ce|bui[l]ds)(?:/|(?=[\s\"'`),]|$))|[A-Z]:\\User[s]\\"
)
LEFT_OVER = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")


def check(tree: Tree) -> list[Finding]:
    findings: list[Finding] = []
    for path in tree.paths:
        if not path.endswith((*TEXT, *CONFIG, *NAMED)):
            continue
        is_code = path.endswith(CODE)
        for number, line in enumerate(tree.lines(path), 1):
            if found := REGISTRY.search(line):
                message = f"address of a package registry: {found[0]!r}; leave it to the machine's own configuration"
                findings.append(Finding(path, number, "words.registry", message))
            if found := MACHINE.search(line):
                findings.append(
                    Finding(path, number, "words.machine_path", f"path of one machine: {found[0]!r}; make it relative")
                )
            if is_code and (found := LEFT_OVER.search(line)):
                findings.append(
                    Finding(
                        path, number, "words.left_over", f"unfinished work marked {found[0]}: do it, or open an issue"
                    )
                )
    return findings
