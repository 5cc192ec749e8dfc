import { createHash } from 'node:crypto'
import { encodeBase32 } from '../nix/base32.ts'
import type { NarNode, NarSource } from '../nix/nar-writer.ts'
import { fromBaseName, type StorePath } from '../nix/store-path.ts'

/** A package of the benchmark: one derivation, one output, three inputs that it refers to. */
export interface SmallPath {
  drvPath: StorePath
  path: StorePath
  name: string
  /** indexes of what it is built from and refers to; smaller than its own */
  needs: number[]
}

// In layers, because each refers to three of the layer below: closures have 121 paths at most, as those of most packages have.
const LAYERS = 5
const NEEDS = 3

/** So many packages, inputs before what needs them; always the same. */
export function smallPaths(count: number): SmallPath[] {
  const width = Math.ceil(count / LAYERS)
  return Array.from({ length: count }, (_, index) => {
    const name = `package-${index}-1.0`
    const below = (Math.floor(index / width) - 1) * width
    const needs = Array.from(
      { length: below < 0 ? 0 : NEEDS },
      (_, k) => below + ((index * (k + 1) + k) % width),
    )
    return { drvPath: storePath(`${name}.drv`), path: storePath(name), name, needs: [...new Set(needs)] }
  })
}

/** A directory with a program that mentions what it refers to, and a text that compresses to about a half: some 8 kB. */
export function contentOf({ name, needs }: SmallPath, all: readonly SmallPath[]): NarSource {
  const mentioned = needs.map((need) => `${all[need]?.path}/bin/${all[need]?.name}`)
  const files: Record<string, Buffer> = {
    [`/bin/${name}`]: Buffer.from(`#!/bin/sh\n${mentioned.join('\n')}\n`),
    [`/share/${name}.txt`]: Buffer.from(
      Array.from(
        { length: 100 },
        (_, line) => `${digest(`${name} ${line}`).toString('hex')} of ${name}\n`,
      ).join(''),
    ),
  }
  const directories: Record<string, string[]> = {
    '': ['bin', 'share'],
    '/bin': [name],
    '/share': [`${name}.txt`],
  }
  const lstat = (path: string): NarNode =>
    path in directories
      ? { type: 'directory' }
      : { type: 'regular', executable: path.startsWith('/bin'), size: files[path]?.length ?? 0 }
  return {
    caseHack: false,
    lstat,
    readdir: (path) => directories[path] ?? [],
    readlink: () => '',
    open(path) {
      let rest = files[path] ?? Buffer.alloc(0)
      const read = (into: Uint8Array): number => {
        const taken = rest.copy(into)
        rest = rest.subarray(taken)
        return taken
      }
      return { read, close: () => undefined }
    },
  }
}

function storePath(name: string): StorePath {
  return fromBaseName(`${encodeBase32(digest(name).subarray(0, 20))}-${name}`)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
