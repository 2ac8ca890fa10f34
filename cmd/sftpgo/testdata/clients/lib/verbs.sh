# Serves the verbs of a driver in shell: each is a function "verb_NAME".
# Sourced last.

# octal turns "-rw-r-----" into 640.
octal() {
  local s=$1 n=0 i
  for i in 1 2 3 4 5 6 7 8 9; do
    n=$((n * 2))
    [ "${s:i:1}" = - ] || n=$((n + 1))
  done
  printf '%o' "$n"
}

# quoted puts a name between quotation marks, as sftp, psftp and lftp read it.
quoted() {
  local s=${1//\\/\\\\}
  printf '"%s"' "${s//\"/\\\"}"
}

serve() {
  local line said err
  err=$(mktemp)
  while IFS= read -r line; do
    IFS=$'\t' read -r -a words <<<"$line"
    if ! declare -F "verb_${words[0]}" >/dev/null; then
      echo "fail no such verb: ${words[0]}; add it, or say that the client cannot"
    elif said=$("verb_${words[0]}" "${words[@]:1}" </dev/null 2>"$err"); then
      [ -z "$said" ] || sed 's/^/= /' <<<"$said"
      echo ok
    else
      echo "fail $(tr '\n' ' ' <"$err")" "$(tr '\n' ' ' <<<"$said")"
    fi
    cat "$err" >&2
  done
  rm -f "$err"
}

serve
