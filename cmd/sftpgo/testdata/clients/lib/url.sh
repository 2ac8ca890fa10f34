# Sourced by drivers that make URLs.

# escaped makes a path of a URL.
escaped() {
  local s=$1 out= i c hex LC_ALL=C
  for ((i = 0; i < ${#s}; i++)); do
    c=${s:i:1}
    case $c in
    [a-zA-Z0-9._/-]) out+=$c ;;
    *)
      printf -v hex '%02X' "'$c" # of a byte above 127: FFFFFFFFFFFFFFC3
      out+=%${hex: -2}
      ;;
    esac
  done
  printf '%s' "$out"
}
