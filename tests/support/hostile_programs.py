"""Programs that try to get out of the sandbox, to stop it, or to fill the machine: by name, what they try first."""

from __future__ import annotations

CANARY = "canary-7f3a91c2"
"""Stands in a file and in the environment of the process that runs them: none may show it."""
_BOOM = "x = [1]\nwhile True:\n    x = x + x\n"
_ALL = """
for name in {names!r}:
    try:
        exec("import " + name)
    except BaseException:
        pass
answer = "refused"
"""

HOSTILE: dict[str, str] = {
    # files
    "files read passwd": "answer = open('/etc/passwd').read()",
    "files read secret": "answer = open('{folder}/secret.txt').read()",
    "files read relative": "answer = open('secret.txt').read()",
    "files read pathlib": "from pathlib import Path\nanswer = Path('{folder}/secret.txt').read_text()",
    "files dots": "answer = open('../../../../../../etc/passwd').read()",
    "files proc": "answer = open('/proc/self/environ').read()",
    "files parent's environment": "answer = open('/proc/1/environ').read()",
    "files memory": "answer = open('/proc/self/mem', 'rb').read(10)",
    "files write": "f = open('{folder}/secret.txt', 'w')\nf.write('gone')\nanswer = 1",
    "files make": "from pathlib import Path\nPath('{folder}/new.txt').write_text('x')\nanswer = 1",
    "files list": "import os\nanswer = str(os.listdir('/'))",
    "files remove": "import os\nos.remove('{folder}/secret.txt')\nanswer = 1",
    "files rename": "import os\nos.rename('{folder}/secret.txt', '{folder}/b')\nanswer = 1",
    "files walk": "import os\nanswer = str(list(os.walk('{folder}')))",
    "files device": "answer = open('/dev/urandom', 'rb').read(4)",
    "files source": "answer = open(__file__).read()",
    "files glob": "import glob\nanswer = str(glob.glob('{folder}/*'))",
    "files link": "import os\nos.symlink('/etc/passwd', '{folder}/l')\nanswer = open('{folder}/l').read()",
    # network
    "network socket": "import socket\ns = socket.socket()\ns.connect(('127.0.0.1', 80))\nanswer = 1",
    "network urllib": "import urllib.request\nanswer = urllib.request.urlopen('http://127.0.0.1').read()",
    "network http": "import http.client\nanswer = str(http.client.HTTPConnection('127.0.0.1'))",
    "network requests": "import requests\nanswer = requests.get('http://127.0.0.1').text",
    "network asyncio": "import asyncio\nr = await asyncio.open_connection('127.0.0.1', 80)\nanswer = 1",
    "network name": "import socket\nanswer = socket.gethostname()",
    # environment
    "environment variable": "import os\nanswer = os.environ['LORID_CANARY']",
    "environment getenv": "import os\nanswer = os.getenv('LORID_CANARY')",
    "environment all": "import os\nprint(os.environ)\nanswer = 1 if len(os.environ) else 0",
    "environment home": "import os\nanswer = os.path.expanduser('~')\nanswer = open(answer + '/.netrc').read()",
    "environment arguments": "import sys\nanswer = str(sys.argv)",
    "environment process": "import os\nanswer = os.getpid()",
    "environment user": "import getpass\nanswer = getpass.getuser()",
    # subprocess
    "subprocess system": "import os\nanswer = os.system('id')",
    "subprocess popen": "import os\nanswer = os.popen('id').read()",
    "subprocess run": "import subprocess\nanswer = subprocess.run(['id'], capture_output=True).stdout",
    "subprocess fork": "import os\nwhile True: os.fork()",
    "subprocess exec": "import os\nos.execv('/bin/sh', ['sh'])\nanswer = 1",
    "subprocess kill": "import os\nos.kill(1, 9)\nanswer = 1",
    "subprocess multiprocessing": "import multiprocessing as m\np = m.Process(target=print)\np.start()\nanswer = 1",
    "subprocess pty": "import pty\npty.spawn('/bin/sh')\nanswer = 1",
    # other modules
    "import ctypes": "import ctypes\nanswer = ctypes.string_at(0)",
    "import builtins": "import builtins\nanswer = str(builtins.open('/etc/passwd'))",
    "import dunder": "answer = __import__('os').popen('id').read()",
    "import importlib": "import importlib\nanswer = importlib.import_module('subprocess').getoutput('id')",
    "import through sys": "import sys\nanswer = sys.modules['os'].popen('id').read()",
    "import pickle": "import pickle\nanswer = pickle.loads(b'cos\\nsystem\\n(S\"id\"\\ntR.')",
    "import numpy": "import numpy\nanswer = numpy.fromfile('/etc/passwd')",
    "import pip": "import pip\npip.main(['install', 'x'])\nanswer = 1",
    "import many": _ALL.format(names=["os", "subprocess", "socket", "ctypes", "shutil"]),
    "import eval": "answer = eval(\"__import__('os').popen('id').read()\")",
    "import exec": "exec(\"import os\\nanswer = os.popen('id').read()\")",
    "import compile": "answer = eval(compile(\"open('/etc/passwd').read()\", 'x', 'eval'))",
    # frames, types and formats
    "frames subclasses": "answer = str([c for c in ().__class__.__base__.__subclasses__() if 'wrap_close' in str(c)][0].__init__.__globals__)",
    "frames globals": "def f(): pass\nanswer = str(f.__globals__['__builtins__'])",
    "frames getframe": "import sys\nanswer = str(sys._getframe(0).f_back.f_globals)",
    "frames traceback": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    answer = str(e.__traceback__.tb_frame.f_globals)",
    "frames generator": "g = (i for i in [1])\nanswer = str(g.gi_frame.f_globals)",
    "frames code": "def f(): pass\nf.__code__ = f.__code__.replace(co_code=b'\\x00')\nanswer = f()",
    "frames format": "answer = '{0.__class__.__init__.__globals__}'.format(open)",
    "frames format map": "class A: pass\nanswer = '{a.__init__.__globals__[os]}'.format_map({'a': A()})",
    "frames mro": "answer = str(type.mro(type(1))[1].__subclasses__())",
    "frames metaclass": "class M(type):\n    def __call__(c): return open('/etc/passwd').read()\nclass A(metaclass=M): pass\nanswer = A()",
    "frames gc": "import gc\nanswer = str(gc.get_objects())",
    "frames inspect": "import inspect\nanswer = str(inspect.stack())",
    # endless loops
    "loop while": "while True: pass",
    "loop caught": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "loop finally": "try:\n    while True: pass\nfinally:\n    while True: pass",
    "loop repr": "class A:\n    def __repr__(self):\n        while True: pass\nanswer = A()",
    "loop nested": "a = []\nfor i in range(60): a = [a, a]\nanswer = a",
    "loop cycle": "import itertools\nfor i in itertools.cycle([1]): pass",
    "loop range": "n = 0\nfor i in range(10 ** 12): n += i\nanswer = n",
    "loop sort": "x = list(range(10 ** 5))\nwhile True: x.sort(key=lambda v: -v)",
    # memory
    "memory list": _BOOM,
    "memory text": "x = 'a' * 10 ** 10",
    "memory bytes": "x = bytearray(10 ** 10)",
    "memory dict": "d = {}\ni = 0\nwhile True:\n    d[i] = str(i) * 50\n    i += 1",
    "memory join": "x = ','.join(['a' * 10 ** 6] * 10 ** 5)",
    "memory format": "x = '{:>9999999999}'.format(1)",
    "memory percent": "x = '%9999999999d' % 1",
    "memory replace": "x = 'a' * 10 ** 6\nx = x.replace('a', 'b' * 10 ** 6)",
    "memory caught": "while True:\n    try:\n        x = [0] * 10 ** 9\n    except MemoryError: pass",
    "memory value": "answer = [[0] * 1000] * 10 ** 6",
    "memory last line": "answer = 1 / 0\n[0] * 10 ** 6",
    "memory error": "raise ValueError('x' * 10 ** 7)",
    "memory expression": "[0] * 10 ** 6\n1 / 0",
    # recursion
    "recursion function": "def f(): return f()\nanswer = f()",
    "recursion mutual": "def f(n): return g(n)\ndef g(n): return f(n)\nanswer = f(1)",
    "recursion repr": "a = []\na.append(a)\nb = {1: a}\na.append(b)\nraise ValueError(a)",
    "recursion brackets": "answer = " + "(" * 20_000 + "1" + ")" * 20_000,
    "recursion lists": "answer = " + "[" * 20_000,
    "recursion minus": "answer = " + "-" * 40_000 + "x",
    "recursion lambda": "f = lambda n: f(n + 1)\nanswer = f(0)",
    # numbers
    "power tower": "answer = 10 ** 10 ** 9",
    "power loop": "x = 3\nwhile True: x = x * x",
    "power shift": "answer = 1 << 10 ** 12",
    "power factorial": "import math\nanswer = math.factorial(10 ** 7)",
    "power text": "answer = int('9' * 10 ** 7)",
    "power decimal": "from decimal import Decimal, getcontext\ngetcontext().prec = 10 ** 9\nanswer = [Decimal(1) / 3]",
    "power digits": "answer = 2 ** 100_000",
    # output
    "output endless": "while True: print('x' * 1000)",
    "output large": "print('x' * 10 ** 7)\nanswer = 1",
    "output many": "for i in range(10 ** 7): print(i)\nanswer = 1",
    "output control": "print('\\x1b]0;gone\\x07\\x1b[2J')\nanswer = 1",
    "output error stream": "import sys\nwhile True: print('x' * 100, file=sys.stderr)",
    # regular expressions
    "regex bomb": "import re\nanswer = str(re.match(r'(a+)+$', 'a' * 64 + 'b'))",
    "regex alternatives": "import re\nanswer = str(re.match(r'(a|a)*$', 'a' * 64 + 'b'))",
    "regex references": "import re\nanswer = str(re.match(r'(a*)*\\1b', 'a' * 10_000))",
    "regex repeats": "import re\nanswer = str(re.compile('(' * 50 + 'a' + '{1000})' * 50))",
    "regex look": "import re\nanswer = str(re.search(r'(?=(a+))*b', 'a' * 10_000))",
    # threads, sleep, signals
    "threads start": "import threading\nt = threading.Thread(target=print)\nt.start()\nanswer = 1",
    "threads pool": "from concurrent.futures import ThreadPoolExecutor\nanswer = str(ThreadPoolExecutor())",
    "threads signal": "import signal\nsignal.alarm(1)\nanswer = 1",
    "sleep": "import time\ntime.sleep(100)\nanswer = 1",
    "sleep many": "import time\nwhile True: time.sleep(0.01)",
    "sleep asyncio": "import asyncio\nawait asyncio.sleep(100)\nanswer = 1",
    "sleep gather": "import asyncio\nawait asyncio.gather(*[asyncio.sleep(50) for i in range(1000)])\nanswer = 1",
    "clock": "import time\nanswer = time.time()",
    "clock busy": "import time\nt = time.monotonic()\nwhile time.monotonic() - t < 100: pass",
    "entropy": "import random\nanswer = random.random()",
    "exit": "raise SystemExit(3)",
    "interrupt": "raise KeyboardInterrupt",
    "input": "answer = input()",
    "breakpoint": "breakpoint()\nanswer = 1",
}  # fmt: skip
