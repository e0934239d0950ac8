// Runs a script in MicroPython's webassembly port, with the unix port's command line and variable:
//     MICROPYPATH=DIR:... node vm32.mjs PACKAGE [-X heapsize=BYTES] (-c SCRIPT | FILE)
// PACKAGE is the npm package's directory. The VM has a file system of its own: the directories of
// MICROPYPATH are copied into it. It collects garbage only when nothing runs: a line that begins
// with `#%%` gives it the chance. An uncaught exception is exit code 1; one that finds no room to be
// told is an endless loop in C.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [home, ...args] = process.argv.slice(2);
const options = {
    url: path.join(home, "micropython.wasm"),
    stdout: (line) => fs.writeSync(1, line + "\n"),
    stderr: (line) => fs.writeSync(2, line + "\n"),
};
if (args[0] === "-X") {
    options.heapsize = Number(args[1].split("=")[1]);
    args.splice(0, 2);
}
const script = args[0] === "-c" ? args[1] : fs.readFileSync(args[0], "utf8");

const { loadMicroPython } = await import(pathToFileURL(path.join(home, "micropython.mjs")));

// A heap that is full would be doubled. With -X heapsize it stays as it is: no memory that is free
// would do for that, and the engine gives no more.
let grows = true;
const { instantiate } = WebAssembly;
WebAssembly.instantiate = (code, imports) => {
    const grow = imports.env.emscripten_resize_heap;
    imports.env.emscripten_resize_heap = (size) => (grows ? grow(size) : false);
    return instantiate(code, imports);
};
const vm = await loadMicroPython(options);
if (options.heapsize) {
    grows = false;
    const own = vm._module._malloc(options.heapsize / 2); // for scripts, and for C
    while (vm._module._malloc(options.heapsize / 2));
    vm._module._free(own);
}

function copy(from) {
    vm.FS.mkdirTree(from);
    for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
        const name = path.join(from, entry.name);
        if (entry.isDirectory()) {
            if (entry.name !== "__pycache__") copy(name);
        } else {
            vm.FS.writeFile(name, fs.readFileSync(name));
        }
    }
}

// What every board has built in and is missing here can be imported, for the sake of what needs none
// of it. What is there is looked for by its name in C, or else what is Python beside that would be
// loaded: no board has that on its heap.
const prepare = (path) => `
import sys
sys.path[:] = ${JSON.stringify(path)}
class Absent:
    def __getattr__(self, name):
        return 0
for name in "array binascii errno machine os random select socket struct time".split():
    try:
        __import__("u" + name)
    except ImportError:
        sys.modules[name] = sys.modules["u" + name] = Absent()
sys.modules["network"] = Absent()
del Absent, name
`;

const dirs = (process.env.MICROPYPATH ?? "").split(path.delimiter).filter(Boolean);
dirs.filter((dir) => dir !== ".frozen").forEach(copy);
try {
    vm.runPython(prepare(dirs));
    script.split(/^#%%.*$/m).forEach((step) => vm.runPython(step));
} catch (error) {
    fs.writeSync(2, error.message + "\n");
    process.exitCode = 1;
}
