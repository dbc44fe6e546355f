module documents

go 1.19

require github.com/go-pay/gopay v1.5.98

replace github.com/go-pay/gopay => ./gopay
