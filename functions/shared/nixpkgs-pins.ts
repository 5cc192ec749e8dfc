/**
 * What a pin may say: its words end up in reports, and nobody vouches for them. The evaluator leaves out what is not like this, and Plan refuses it.
 */
export const PIN_WORDS = {
  // Nix's flake ids, with the inputs that they belong to before them. Source: Nix, src/libexpr/flake/flakeref.cc, `flakeIdRegexS`.
  input: /^[A-Za-z][\w'-]{0,100}(\/[A-Za-z][\w'-]{0,100}){0,9}$/,
  repository: /^[\w.-]{1,100}\/[\w.-]{1,100}$/,
  // git's names of branches and tags have more characters; nixpkgs' have not.
  ref: /^[\w.+/-]{1,200}$/,
  rev: /^[0-9a-f]{40}$/,
} as const

/** How many names an input has at most: its own, and those of the inputs that it belongs to. */
export const MOST_NAMES = 10

/** A flake has some inputs, and haskell.nix some twenty nixpkgs. */
export const MOST_PINS = 64
