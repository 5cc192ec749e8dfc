import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const PAGES = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

describe('commands that pages name', () => {
  const helpOf = async (...command: string[]): Promise<Set<string>> => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      'scripts/hearth.ts',
      ...command,
      '--help',
    ])
    const [, commands = ''] = stdout.split('\nCommands:\n')
    return new Set([...commands.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name = '']) => name))
  }
  /** `hearth keys list` -> keys, list */
  const used = PAGES.flatMap((page) =>
    [
      ...readFileSync(page, 'utf8').matchAll(
        /(?:`hearth|npm run (?:--silent )?hearth --)(?: --local)? ([a-z][^\s`]*)(?: ([a-z][\w|-]*))?/g,
      ),
    ].map(([, first = '', second = '']) => [first, second] as const),
  )

  test('are commands of hearth, and parts of these', async () => {
    const top = await helpOf()
    const firsts = [...new Set(used.map(([first]) => first))]
    expect(firsts.filter((first) => !top.has(first))).toEqual([])
    const parts = new Map(
      await Promise.all(firsts.map(async (first) => [first, await helpOf(first)] as const)),
    )
    const unknown = used.flatMap(([first, second]) => {
      const known = parts.get(first) ?? new Set()
      // without parts of its own, what follows is an argument
      if (known.size === 0 || second === '') return []
      return second
        .split('|')
        .filter((part) => !known.has(part))
        .map((part) => `${first} ${part}`)
    })
    expect(unknown).toEqual([])
    expect(used.length).toBeGreaterThan(30)
  })
})
