import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const PAGES = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]
const FOLDERS = 'functions|builders|nix|resources|scripts|statemachines|test|docs|local|bench|examples'

/** Everything that a page says in this form: the first group. */
const named = (page: string, form: RegExp): string[] => [
  ...new Set([...readFileSync(page, 'utf8').matchAll(form)].map(([, name = '']) => name)),
]

describe.each(PAGES)('%s names what is there', (page) => {
  test('files and folders of this repository', () => {
    const files = named(page, new RegExp(`\`((?:${FOLDERS})/[\\w./-]*)\``, 'g'))
    expect(files.filter((file) => !existsSync(file))).toEqual([])
  })

  test('pages that it links to', () => {
    const links = named(page, /\]\((?!https?:|#)([^)#]+)/g)
    expect(links.filter((link) => !existsSync(join(dirname(page), link)))).toEqual([])
  })

  test('scripts of npm', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      scripts: Record<string, string>
    }
    const wanted = named(page, /npm run (?:--silent )?([\w:-]+)/g)
    expect(wanted.filter((script) => scripts[script] === undefined)).toEqual([])
  })
})

test('README.md leads to every page', () => {
  const readme = readFileSync('README.md', 'utf8')
  expect(PAGES.filter((page) => page !== 'README.md' && !readme.includes(page))).toEqual([])
})
