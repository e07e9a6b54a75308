# Read by the scripts here: with --help or -h a script prints the comment at its head and ends.
case "${1:-}" in
  -h | --help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
