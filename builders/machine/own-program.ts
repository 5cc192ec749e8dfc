import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** How the program that runs now, Node, can be run by a sandboxed build, which sees nothing of this machine. */
export interface OwnProgram {
  /** Nix's `sandbox-paths`: `<path in the sandbox>=<path on this machine>` */
  sandboxPaths: string[]
  /** path in the sandbox, and what must stand before Node's own arguments */
  builder: string
  args: string[]
}

// Nothing else is there in a sandbox.
const FOLDER = '/hearth-self-test'

/**
 * This very Node with the libraries that it has loaded, as the kernel lists them: neither a shell nor any store path is needed. Its dynamic loader
 * is started itself, because a sandbox does not have it where the program names it.
 * Source: proc(5), /proc/pid/maps; ld.so(8), "--library-path".
 */
export function ownProgram(maps: string = readFileSync('/proc/self/maps', 'utf8')): OwnProgram {
  const node = `${FOLDER}/node`
  const executable = realpathSync(process.execPath)
  const libraries = [...new Set(maps.match(/\/\S+\.so(\.[\d.]+)?$/gm))].filter((path) => path !== executable)
  const loader = libraries.find((path) => /^ld[-.]/.test(basename(path)))
  const sandboxPaths = [`${node}=${executable}`]
  // linked statically
  if (loader === undefined) return { sandboxPaths, builder: node, args: [] }
  const own = `${FOLDER}/loader`
  sandboxPaths.push(`${own}=${loader}`)
  for (const path of libraries)
    for (const name of namesOf(path)) sandboxPaths.push(`${FOLDER}/lib/${name}=${path}`)
  return { sandboxPaths, builder: own, args: ['--library-path', `${FOLDER}/lib`, node] }
}

/** Programs ask for `libstdc++.so.6`, and the kernel says `libstdc++.so.6.0.30`: all names that are links to it. */
function namesOf(path: string): string[] {
  const folder = dirname(path)
  const [stem = ''] = /^[^-.]+/.exec(basename(path)) ?? []
  return readdirSync(folder).filter((name) => {
    if (!name.startsWith(stem) || !name.includes('.so')) return false
    try {
      return realpathSync(join(folder, name)) === path
    } catch {
      // a link to what is not installed
      return false
    }
  })
}
