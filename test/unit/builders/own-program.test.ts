import { realpathSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ownProgram } from '../../../builders/machine/own-program.ts'

const node = realpathSync(process.execPath)

describe('this Node, for a sandbox that has nothing', () => {
  test('with its libraries, under the names that it asks for, and started by its own loader', () => {
    const { sandboxPaths, builder, args } = ownProgram()
    expect(sandboxPaths).toContain(`/hearth-self-test/node=${node}`)
    expect(builder).toBe('/hearth-self-test/loader')
    expect(args).toEqual(['--library-path', '/hearth-self-test/lib', '/hearth-self-test/node'])
    const inside = sandboxPaths.map((path) => path.split('=')[0])
    for (const library of ['libc.so.6', 'libstdc++.so.6', 'libm.so.6'])
      expect(inside).toContain(`/hearth-self-test/lib/${library}`)
  })
  test('linked statically, by itself', () => {
    const maps = `00400000-06400000 r-xp 00000000 08:01 42 ${node}\n7fff0000-7fff1000 r-xp 00000000 00:00 0 [vdso]\n`
    expect(ownProgram(maps)).toEqual({
      sandboxPaths: [`/hearth-self-test/node=${node}`],
      builder: '/hearth-self-test/node',
      args: [],
    })
  })
})
