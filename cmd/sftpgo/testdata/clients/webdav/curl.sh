# run: bash
# needs: curl
# rename: replaces
# cannot: reput append writeat: a PUT of a part is refused, RFC 9110 section 14.4
# cannot: puttree gettree: curl moves files
# cannot: rmdir: a DELETE removes what is below, too
# cannot: touch putp: curl sends no times
# cannot: mode: curl keeps times only

. "$LIB/url.sh"
url() { printf 'http://%s:%s/%s' "$HOST" "$PORT" "$(escaped "$1")"; }
run() { curl -sS -f --path-as-is -u "$CLIENT_USER:$PASSWORD" "$@"; }
xml() { sed -nE "s|.*<([A-Za-z]+:)?$1( [^>]*)?>([^<]*)</.*|\3|p"; }
prop() { run -X PROPFIND -H 'Depth: 0' --data-binary "<propfind xmlns='DAV:'><prop>$2</prop></propfind>" "$(url "$1")"; }

verb_put() { run -T "$1" "$(url "$2")"; }
verb_putstream() { run -T - "$(url "$2")" <"$1"; }
verb_putif() { run -H "If-Match: $3" -T "$1" "$(url "$2")"; }
verb_putnew() { run -H 'If-None-Match: *' -T "$1" "$(url "$2")"; }
verb_get() { run -o "$2" "$(url "$1")"; }
verb_getp() { run -R -o "$2" "$(url "$1")"; }
verb_reget() { run -C - -o "$2" "$(url "$1")"; }
verb_readat() { run -r "$2-$(($2 + $3 - 1))" -o "$4" "$(url "$1")"; }
verb_etag() { run -I "$(url "$1")" | tr -d '\r' | sed -n 's/^[Ee][Tt]ag: //p'; }
verb_list() {
  local hrefs
  hrefs=$(run -X PROPFIND -H 'Depth: 1' --data-binary "<propfind xmlns='DAV:'><prop><resourcetype/></prop></propfind>" "$(url "$1/")" |
    grep -o '<D:href>[^<]*' | sed '1d;s,/$,,;s,.*/,,;s/%/\\x/g') && printf '%b\n' "$hrefs"
}
verb_stat() {
  local head
  head=$(run -I "$(url "$1")" | tr -d '\r') &&
    echo "$(sed -n 's/^Content-Length: //p' <<<"$head") - $(date -d "$(sed -n 's/^Last-Modified: //p' <<<"$head")" +%s)"
}
verb_mkdir() { run -X MKCOL "$(url "$1/")"; }
verb_rm() { run -X DELETE "$(url "$1")"; }
verb_rmtree() { run -X DELETE "$(url "$1/")"; }
verb_rename() { run -X MOVE -H "Destination: $(url "$2")" "$(url "$1")"; }
verb_copy() { run -X COPY -H "Destination: $(url "$2")" "$(url "$1")"; }
verb_copytree() { run -X COPY -H "Destination: $(url "$2/")" "$(url "$1/")"; }
verb_df() { prop "" '<quota-available-bytes/>' | xml quota-available-bytes; }
verb_lock() {
  run -o /dev/null -D - -X LOCK --data-binary \
    '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>curl</owner></lockinfo>' \
    "$(url "$1")" | tr -d '\r' | sed -n 's/^Lock-Token: <\(.*\)>/\1/p'
}
verb_unlock() { run -X UNLOCK -H "Lock-Token: <$2>" "$(url "$1")"; }
verb_propset() {
  run -o /dev/null -X PROPPATCH --data-binary \
    "<propertyupdate xmlns='DAV:'><set><prop><$2 xmlns='urn:clients'>$3</$2></prop></set></propertyupdate>" "$(url "$1")"
}
verb_propget() { prop "$1" "<$2 xmlns='urn:clients'/>" | xml "$2"; }

. "$LIB/verbs.sh"
