package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/go-pay/gopay"
	"github.com/go-pay/gopay/wechat"
)

func main() {
