import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Files of every kind: empty and not, executable, links, directories in directories, names that are no ASCII, names that are no text. */
export function makeTree(tree: string): void {
  mkdirSync(join(tree, 'bin/deep/deeper'), { recursive: true })
  mkdirSync(join(tree, 'empty'))
  writeFileSync(join(tree, 'bin/run'), '#!/bin/sh\necho run\n', { mode: 0o755 })
  writeFileSync(join(tree, 'bin/deep/deeper/file'), 'x'.repeat(1001))
  writeFileSync(join(tree, 'nothing'), '')
  writeFileSync(join(tree, 'ä→🔥'), 'eight by')
  writeFileSync(Buffer.from(`${tree}/\xff\xfe`, 'latin1'), 'the name is no UTF-8')
  symlinkSync('bin/run', join(tree, 'run'))
  symlinkSync('/nix/store/nowhere', join(tree, 'bin/dangling'))
}
