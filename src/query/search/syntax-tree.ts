/** What a search says, before it is known which fields there are. */

/** Where in the query text something stands: 1-based columns of its first and last character. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A search word as written. A quoted one has no wildcards: `*` and `?` in it are ordinary characters. */
export interface SearchWord {
  readonly text: string;
  readonly quoted: boolean;
  readonly span: Span;
}

export interface FieldName {
  readonly name: string;
  readonly span: Span;
}

export type ComparisonOperator = "=" | ">" | ">=" | "<" | "<=";

export type SearchNode =
  | { readonly kind: "all" }
  | { readonly kind: "and" | "or"; readonly operands: readonly SearchNode[] }
  | { readonly kind: "not"; readonly operand: SearchNode }
  /** A word that may stand in any field. */
  | { readonly kind: "anywhere"; readonly word: SearchWord }
  | { readonly kind: "match"; readonly field: FieldName; readonly word: SearchWord }
  /** `field:*` */
  | { readonly kind: "exists"; readonly field: FieldName }
  /** `field:""` */
  | { readonly kind: "empty"; readonly field: FieldName }
  | {
      readonly kind: "compare";
      readonly field: FieldName;
      readonly operator: ComparisonOperator;
      readonly word: SearchWord;
    }
  /** `field in [low high)` */
  | {
      readonly kind: "range";
      readonly field: FieldName;
      readonly low: SearchWord;
      readonly lowIncluded: boolean;
      readonly high: SearchWord;
      readonly highIncluded: boolean;
    };
