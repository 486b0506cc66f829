"""Plain English: finds long sentences and private vocabulary in docs, docstrings and comments.

python -m tests.language [PATH]...      prints what it finds; without a path, the whole project
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAX_WORDS = 30
DOCS = ("*.md", "docs/**/*.md", "tests/golden/*.md", "examples/**/*.md", ".github/**/*.md")
CODE = ("*.py", "{configs,interfaces,agent,trainer,benchmarks,examples,scripts,tests}/**/*.py")

# Metaphors and private words, with the standard term in the comment where one exists.
PRIVATE = re.compile(
    r"\b("
    r"who(ever)? stands? still|stands still|standing still"  # stationary baseline
    r"|held to what|what (it|was|is|he|she|they) (has |have |had )?(lived|felt|paid|foretold)"
    r"|steps? lived|lived steps?|has lived|have lived|was lived|were lived|is lived|lives? on"
    r"|a life of|whole life|a life|its life|their lives|in life|these lives|of lives|lives of"
    r"|(is|are|was|were|be|been|gets?) paid|is patted|was patted|pays for"  # rewarded
    r"|how dear|(is|be|are) dear|begins? anew|begun anew|anew|costs? nothing|costs? it nothing"
    r"|nobody is told|nobody is warned|the body knows|(is|was|are|were|be) told"
    r"|everybody|somebody|nobody waits"
    r"|lets? go of|letting go"  # releases
    r"|foretells?|foretold|foretelling"  # predicts
    r"|flips?|flipped"  # switches
    r"|beats?|heartbeats of"  # tick
    r"|the house|floors of|animal|wakes up|waking up|woken"
    r"|scribe|choir|diary|conscience|honesty|honest|feelings|fingers|hands out|keyframes?"
    r"|goes on living|go on living|thinks? (it |them |a life )?again|thought again|dear to"
    r"|beside it lies|whose will|moment by moment|may be wished|wished into"
    r"|in a line|by itself alone|where nobody|which nobody|that nobody|nobody"
    r")\b",
    re.IGNORECASE,
)
ALLOWED = re.compile(r"heartbeats?", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Z0-9`\"'(*\[λβγ$])|\n\s*\n|[:;]\s*\n")


def words_of(sentence: str) -> int:
    """Counts words; inline code, a link target and a number with its unit count as one."""
    sentence = re.sub(r"`[^`]*`", "CODE", sentence)
    sentence = re.sub(r"\]\([^)]*\)", "]", sentence)
    return len([word for word in sentence.split() if re.search(r"\w", word)])


def paragraphs_of_markdown(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each paragraph, list item and table cell; code blocks are left out."""
    buffer: list[str] = []
    start, fenced = 1, False
    for number, line in enumerate([*text.splitlines(), ""], 1):
        stripped = line.strip()
        if stripped.startswith("```"):
            fenced = not fenced
            stripped = ""
        elif fenced or (line.startswith("    ") and not buffer):
            continue
        new_item = re.match(r"([-*+]|\d+\.) ", stripped)
        if buffer and (not stripped or new_item or stripped[0] in "|#"):
            yield start, " ".join(buffer)
            buffer = []
        if stripped.startswith("|"):
            for cell in stripped.strip("|").split(" | "):
                yield number, cell.strip()
        elif stripped.startswith("#"):
            yield number, stripped.lstrip("# ")
        elif stripped:
            if not buffer:
                start = number
            buffer.append(stripped[new_item.end() :] if new_item else stripped)


def prose_of_python(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each docstring paragraph and each block of comments."""
    tree = ast.parse(text)
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and (doc := ast.get_docstring(node)):
            line = node.body[0].lineno
            for paragraph in re.split(r"\n\s*\n", doc):
                if not paragraph.startswith("    "):
                    yield line, " ".join(paragraph.split())
    block: list[str] = []  # comment lines that follow each other; one after code stands alone
    first = last = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, column = token.start
        after_code = bool(token.line[:column].strip())
        if block and (after_code or line != last + 1):
            yield first, " ".join(block)
            block = []
        words = token.string.lstrip("#: ").rstrip()
        if after_code:
            yield line, words
            continue
        if not block:
            first = line
        last = line
        block.append(words)
    if block:
        yield first, " ".join(block)


def messages_of_python(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) of the string literals that look like sentences: log lines, errors, help."""
    tree = ast.parse(text)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docs
            and node.value.count(" ") >= 2
        ):
            yield node.lineno, node.value


def findings(path: Path) -> list[str]:
    """What a reader would stumble over in one file, a line each."""
    text = path.read_text(encoding="utf-8")
    japanese = path.name.endswith(".ja.md")
    if path.suffix == ".md":
        prose, messages = list(paragraphs_of_markdown(text)), []
    else:
        prose = list(prose_of_python(text))
        messages = list(messages_of_python(text)) if "tests" not in path.parts else []
    found: list[str] = []
    for line, paragraph in prose:
        if not japanese:
            for sentence in SENTENCE_END.split(paragraph):
                if sentence and (count := words_of(sentence)) > MAX_WORDS:
                    found.append(f"{path}:{line}: {count} words: {sentence[:70]}...")
    for line, paragraph in [*prose, *messages]:
        plain = re.sub(r"`[^`]*`|\]\([^)]*\)|\"[^\"]*\"", " ", paragraph)
        for match in PRIVATE.finditer(ALLOWED.sub(" ", plain)):
            found.append(f"{path}:{line}: private word {match.group(0)!r}: {paragraph[:70]}...")
    return found


def files_of(root: Path) -> list[Path]:
    """Every page and module that people read."""
    patterns = [*DOCS]
    for pattern in CODE:
        if pattern.startswith("{"):
            names, rest = pattern[1:].split("}", 1)
            patterns += [name + rest for name in names.split(",")]
        else:
            patterns.append(pattern)
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return sorted(path for path in found if path != Path(__file__).resolve())


def main(arguments: list[str]) -> int:
    paths = [Path(argument) for argument in arguments] or files_of(ROOT)
    files = [
        f
        for p in paths
        for f in (sorted(p.rglob("*.py")) + sorted(p.rglob("*.md")) if p.is_dir() else [p])
    ]
    lines = [line for path in files for line in findings(path.resolve())]
    print("\n".join(line.replace(f"{ROOT}/", "") for line in lines))
    print(f"{len(lines)} findings in {len(files)} files")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
