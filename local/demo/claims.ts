import type { View } from './view.ts'

/** A sentence that the demo shows to be true, or not. */
export interface Claim {
  text: string
  holds: boolean
  /** what was seen instead */
  seen?: string
}

export interface Claims {
  /** @param seen shown, and kept in demo.json, when the claim does not hold */
  claim: (text: string, holds: boolean, seen?: unknown) => void
  all: Claim[]
}

export function collectClaims(view: View): Claims {
  const all: Claim[] = []
  return {
    all,
    claim(text, holds, seen) {
      const claim: Claim = {
        text,
        holds,
        ...(holds || seen === undefined ? {} : { seen: JSON.stringify(seen) }),
      }
      all.push(claim)
      view.claim(holds, claim.seen === undefined ? text : `${text}: ${claim.seen}`)
    },
  }
}
